/* The page's figures as JSON. */
#include <math.h>

#include "cli/json.h"
#include "cli/report.h"
#include "compiler/plan/cost.h"

static void add_number(cJSON *to, const char *key, double value) {
    (void)cJSON_AddNumberToObject(to, key, value);
}

static void add_memory(cJSON *to, const tp_plan *plan) {
    const tp_model *m = &plan->model;
    cJSON *bytes = cJSON_AddObjectToObject(to, "bytes");
    add_number(bytes, "ram", tp_report_ram(plan));
    add_number(bytes, "arena", m->arena_bytes);
    add_number(bytes, "infer_arena", m->infer_bytes);
    add_number(bytes, "adapter", m->adapter_bytes);
    add_number(bytes, "train", m->train_bytes);
    add_number(bytes, "sample", m->sample_bytes);
    add_number(bytes, "flash", plan->flash_constants);
}

static void add_run(cJSON *to, const char *key, const tp_energy *energy,
                    tp_work work) {
    cJSON *run = cJSON_AddObjectToObject(to, key);
    add_number(run, "instructions", work.instructions);
    add_number(run, "macs", work.macs);
    tp_json_add_float(run, "ms", tp_energy_ms(energy, work));
    tp_json_add_float(run, "uj", tp_energy_uj(energy, work));
}

static tp_work work_of(const tp_program *p) {
    return (tp_work){(double)tp_program_cost(p), (double)tp_program_macs(p)};
}

static void add_adaptation(cJSON *to, const tp_report *r) {
    const tp_energy_result result = tp_energy_adapt(&r->energy, &r->adaptation);
    cJSON *adapt = cJSON_AddObjectToObject(to, "adaptation");
    add_number(adapt, "updates", r->adaptation.updates);
    add_number(adapt, "batch", r->batch);
    tp_json_add_float(adapt, "s", result.adapt_s);
    tp_json_add_float(adapt, "mj", result.adapt_mj);
    tp_json_add_float(adapt, "store_uj", result.store_uj);
    tp_json_add_float(adapt, "asleep_day_mj", result.asleep_day_mj);
    cJSON *radios = cJSON_AddArrayToObject(adapt, "instead_of_sending");
    for (int i = 0; i < TP_RADIO_COUNT; i++) {
        cJSON *radio = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(radio, "radio", tp_radio_names[i]);
        tp_json_add_float(radio, "uj_a_byte", r->energy.radio[i]);
        tp_json_add_float(radio, "send_mj", result.send_mj[i]);
        if (isfinite(result.break_even[i])) {
            add_number(radio, "break_even_samples", ceil(result.break_even[i]));
        }
        (void)cJSON_AddItemToArray(radios, radio);
    }
}

cJSON *tp_report_json(const tp_report *r) {
    cJSON *to = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(to, "model", r->file);
    (void)cJSON_AddStringToObject(to, "sha256", r->sha256);
    (void)cJSON_AddItemToObject(to, "adapter",
                                cJSON_CreateStringArray(r->spec, r->n_specs));
    (void)cJSON_AddStringToObject(to, "state",
                                  tp_state_names[r->plan->model.state]);
    (void)cJSON_AddStringToObject(to, "target", r->target->name);
    add_memory(to, r->plan);
    add_run(to, "infer", &r->energy, work_of(&r->plan->infer));
    if (r->plan->sample.n_steps > 0) {
        add_run(to, "sample", &r->energy, work_of(&r->plan->sample));
        add_run(to, "update", &r->energy, r->adaptation.update);
        add_adaptation(to, r);
    }
    return to;
}
