/* Table B: an adapter for four speakers is personalised to the fifth, who is
 * each of the five in turn, with and without replay of the old ones. Replay
 * is what a device would do: of all that the base was adapted to, a
 * class-balanced reservoir keeps 40 clips, one a digit and old speaker on
 * average, and they are trained on beside the new ones. Percent, tested on
 * twenty clips a digit of the new speaker, and of the four old ones. */
#include "tests/accuracy/speech.h"
#include "tinypeft/adapter.h"
#include "tinypeft/replay.h"

#include <string.h>

enum {
    CLIPS_OF_ALL = TP_SPEAKERS * TP_DIGITS * TP_CLIPS,
    BASE_K = TP_CLIPS - TP_TESTS,
    BASE_UPDATES = 660,
    KEPT = (TP_SPEAKERS - 1) * TP_DIGITS
};

/* One way to personalise. Demanded of the mean over speakers, within a point
 * of the float32 simulation, which had a sixth speaker; 0: nothing. */
typedef struct variant {
    const char *name;
    int k;
    bool replay;
    double demand[2]; /* new speaker, old speakers */
    double reference[2];
} variant;

static const variant variants[] = {
    {"base", 0, false, {0, 0}, {81.9, 97.1}},
    {"k=1", 1, false, {0, 0}, {94.3, 0}},
    {"k=1, replay", 1, true, {93.3, 95.1}, {94.3, 96.1}},
    {"k=5", 5, false, {94.4, 0}, {95.4, 90.6}},
    {"k=5, replay", 5, true, {94.3, 95.1}, {95.3, 96.1}},
};
enum { VARIANTS = sizeof variants / sizeof variants[0] };

static const tp_acc_method method = {
    .name = "lora r4",
    .spec = {"fc11=head:classes=10", "conv[2468]=lora:rank=4"},
    .recipe = {.updates = 80}}; /* more only forgets more: 220 cost the old
                                   speakers a point or two */

typedef struct study {
    const tp_speech *speech;
    const tp_acc_options *options;
    tp_acc_model model;
    double percent[TP_SPEAKERS][VARIANTS][2];
    int undone[TP_SPEAKERS][VARIANTS];
} study;

/* What one speaker's run works with. */
typedef struct person {
    study *s;
    int speaker;
    tp_ctx ctx;
    uint8_t *base; /* the adapter of the others */
    tp_acc_sample *sample;
    tp_replay replay;
} person;

/* The clips of everybody else. */
static int others(const person *p, bool test) {
    int n = 0;
    for (int s = 0; s < TP_SPEAKERS; s++) {
        if (s != p->speaker) {
            n += test ? tp_speech_tests(p->s->speech, s, p->sample + n)
                      : tp_speech_shots(p->s->speech, s, 0, BASE_K,
                                        p->sample + n);
        }
    }
    return n;
}

static void measure(person *p, int v) {
    const int n_new = tp_speech_tests(p->s->speech, p->speaker, p->sample);
    double *percent = p->s->percent[p->speaker][v];
    percent[0] = 100.0 * tp_acc_right(&p->ctx, p->sample, n_new) / n_new;
    const int n_old = others(p, true);
    percent[1] = 100.0 * tp_acc_right(&p->ctx, p->sample, n_old) / n_old;
}

/* The adapter of the others, and what the reservoir keeps of their clips, seen
 * in a random order as a device would. */
static tp_status adapt_to_others(person *p) {
    uint16_t order[CLIPS_OF_ALL];
    tp_train_config config = p->s->model.config;
    config.updates = BASE_UPDATES;
    const int n = others(p, false);
    tp_train_order(order, (uint32_t)n, config.seed, 0);
    for (int i = 0; i < n; i++) {
        const tp_acc_sample *s = &p->sample[order[i]];
        TP_TRY(tp_replay_offer(&p->replay, s->x, s->label));
    }
    tp_adapter_init(&p->ctx, config.seed);
    TP_TRY(tp_acc_train(&p->ctx, &config, p->sample, (uint32_t)n,
                        &p->s->undone[p->speaker][0]));
    memcpy(p->base, p->ctx.adapter, p->ctx.model->adapter_bytes);
    return TP_OK;
}

static tp_status personalise(person *p, int v) {
    const variant *way = &variants[v];
    int n = tp_speech_shots(p->s->speech, p->speaker, 0, way->k, p->sample);
    for (uint32_t i = 0; way->replay && i < p->replay.n; i++) {
        p->sample[n++] = (tp_acc_sample){
            (const int8_t *)tp_replay_at(&p->replay, i), p->replay.label[i]};
    }
    memcpy(p->ctx.adapter, p->base, p->ctx.model->adapter_bytes);
    return tp_acc_train(&p->ctx, &p->s->model.config, p->sample, (uint32_t)n,
                        &p->s->undone[p->speaker][v]);
}

static tp_status run(person *p, tp_arena *arena) {
    const tp_replay_config config = {.x_bytes = TP_FEATURES,
                                     .capacity = KEPT,
                                     .classes = TP_DIGITS,
                                     .seed = p->s->options->seed};
    const size_t bytes = TP_REPLAY_BYTES(TP_FEATURES, KEPT, TP_DIGITS);
    void *memory = tp_arena_alloc(arena, bytes, 1);
    p->sample = tp_arena_alloc(arena, CLIPS_OF_ALL, sizeof *p->sample);
    TP_TRY(tp_interpreter_open(arena, &p->s->model.interpreter, &p->ctx));
    p->base = tp_arena_alloc(arena, p->ctx.model->adapter_bytes, 1);
    if (memory == NULL || p->sample == NULL || p->base == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    TP_TRY(tp_replay_init(&p->replay, &config, memory, bytes));
    TP_TRY(adapt_to_others(p));
    for (int v = 0; v < VARIANTS; v++) {
        if (variants[v].k > 0) {
            TP_TRY(personalise(p, v));
        }
        measure(p, v);
    }
    return TP_OK;
}

/* What a run that fails has not measured stays 0. */
static void work(void *arg, int i) {
    tp_arena arena = {0};
    person p = {.s = arg, .speaker = i};
    const tp_status status = run(&p, &arena);
    if (status != TP_OK) {
        (void)fprintf(stderr, "accuracy: B: speaker %d: status %d\n", i,
                      (int)status);
    }
    tp_arena_free(&arena);
}

static void print(const study *s, int v, int side, int people,
                  tp_acc_report *report) {
    const tp_model *model = &s->model.interpreter.model;
    char name[32];
    (void)snprintf(name, sizeof name, "%s: %s", variants[v].name,
                   side == 0 ? "new" : "old");
    tp_acc_row row = {.table = "B",
                      .name = name,
                      .k = variants[v].k,
                      .values = model->n_values,
                      .bytes = model->adapter_bytes,
                      .demand = variants[v].demand[side],
                      .reference = variants[v].reference[side]};
    for (int i = 0; i < people; i++) {
        tp_acc_count(&row.tally, s->percent[i][v][side], s->undone[i][v]);
    }
    tp_acc_print_row(report, &row);
}

bool tp_acc_personal(const tp_speech *speech, const tp_acc_options *options,
                     tp_acc_report *report) {
    tp_arena arena = {0};
    study s = {.speech = speech, .options = options};
    const int people =
        options->people < TP_SPEAKERS ? options->people : TP_SPEAKERS;
    const tp_acc_method *way =
        options->custom.spec[0] != NULL ? &options->custom : &method;
    if (!tp_acc_listed(options->tables, "B")) {
        return true;
    }
    const bool ok =
        tp_acc_compile(&arena, &speech->base, way, options, &s.model);
    if (ok) {
        tp_acc_each(work, &s, people, options->threads);
        tp_acc_print_head("B: an adapter for four speakers, personalised to "
                          "the fifth with lora r4, percent");
        for (int v = 0; v < VARIANTS; v++) {
            print(&s, v, 0, people, report);
            print(&s, v, 1, people, report);
        }
    }
    tp_arena_free(&arena);
    return ok;
}
