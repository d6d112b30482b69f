/* Writes N random models as emitted C, with what the interpreter answers, and
 * the table that the checker links:
 *
 *   generate N DIRECTORY TARGET
 *
 * DIRECTORY/g<i>.h, .c, _weights.c and models.inc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compiler.h"
#include "compiler/ir/verify.h"
#include "compiler/plan/target.h"
#include "tests/emitted/drive.h"
#include "tests/unit/random_graph.h"

/* Adapters by turns; the last choice, none, always fits. */
static const struct {
    const char *spec[3];
    int n;
} choices[] = {
    {{"*=lora:rank=3", "*=bitfit"}, 2},
    {{"fc*=head:classes=5", "conv*=lora:rank=2"}, 2},
    {{"fc*=head:classes=4", "conv*=lora-fa:rank=4"}, 2},
    {{"fc*=head:classes=4", "conv*=lora:rank=3,bits=4"}, 2},
    {{"fc*=lora:bits=2", "conv*=lora-fa:bits=2", "*=bitfit"}, 3},
    {{"fc*=head:classes=4", "conv*=vera:rank=6"}, 2},
    {{"*=hyper:code=9"}, 1},
    {{"*=bitfit"}, 1},
    {{"*=scale", "*=bitfit"}, 2},
    {{"*=lora:rank=2", "*=scale"}, 2},
    {{"fc*=head:classes=4", "*=skip"}, 2},
    {{"*=bottleneck", "*=bitfit"}, 2},
    {{"*=sparse:density=25%", "*=bitfit"}, 2},
    {{"*=sparse:count=1,unit=channel", "*=bitfit"}, 2},
    {{"*=bottleneck:rank=8,mode=serial,act=hard_swish"}, 1},
    {{"fc*=head:classes=4", "*=skip", "*=bitfit"}, 3},
    {{"fc*=head:classes=3", "conv*=lora:rank=5", "*=bitfit"}, 3},
    {{"fc*=lora:rank=1"}, 1},
    {{"fc*=head"}, 1},
    {{NULL}, 0},
};
enum { CHOICES = sizeof choices / sizeof *choices };

/* A model that is to be made. */
typedef struct wish {
    uint32_t seed;
    const tp_target *target;
} wish;

/* Each state, with all kept or as little as possible, in one memory or two;
 * some with features of samples in place of the samples. */
static tp_status schedule_by_turns(tp_arena *arena, const wish *by,
                                   const tp_graph *graph, tp_plan *plan,
                                   tp_diag *diag) {
    const uint32_t seed = by->seed;
    const tp_state_kind state = (tp_state_kind)(TP_STATE_MOMENTUM + seed % 3);
    static const tp_region region[] = {
        {.name = "fast", .address = 0x20000000, .bytes = 320, .rank = 0},
        {.name = "slow", .address = 0x24000000, .bytes = 1 << 18, .rank = 1}};
    const tp_schedule_options options = {
        .state = state,
        .plan = {.isa = by->target->isa,
                 .region = region,
                 .n_regions = seed % 5 == 0 ? 2 : 0,
                 .samples = seed % 7 < 4 ? 1 : 0}};
    tp_schedule front[TP_MOST_SCHEDULES];
    tp_schedule all = {.state = state};
    tp_cut *cut = NULL;
    int n = 0;
    if (seed % 2 == 0) {
        TP_TRY(tp_latent_cuts(arena, graph, &cut, &n, diag));
        all.cut = options.plan.samples > 0 ? cut[0].at : 0;
        return tp_schedule_apply(arena, graph, &all, &options, plan, diag);
    }
    TP_TRY(tp_schedule_front(arena, graph, &options, front, &n, diag));
    return tp_schedule_apply(arena, graph, &front[n - 1], &options, plan, diag);
}

static tp_status plan_with(tp_arena *arena, const wish *by, int choice,
                           tp_plan *plan, tp_diag *diag) {
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    tp_adapter_spec spec[3];
    const tp_pass_options options = {.spec = spec,
                                     .n_specs = choices[choice].n};
    if (graph == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    TP_TRY(tp_random_graph(arena, by->seed, graph, diag));
    for (int i = 0; i < options.n_specs; i++) {
        TP_TRY(
            tp_adapter_parse(arena, choices[choice].spec[i], &spec[i], diag));
    }
    TP_TRY(tp_passes_run(graph, &options, NULL, NULL, diag));
    return schedule_by_turns(arena, by, graph, plan, diag);
}

static int write_text(const char *folder, const char *name, const char *suffix,
                      const char *text) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    const int bad = fputs(text, file) < 0;
    return fclose(file) != 0 || bad ? -1 : 0;
}

static int emit(tp_arena *arena, const tp_plan *plan, const tp_target *target,
                const char *folder, tp_diag *diag) {
    const tp_emit_options options = {.command = "tests/emitted/generate",
                                     .source = "random graph",
                                     .target = target->name};
    const char *name = plan->graph->name;
    tp_emitted out;
    return tp_emit(arena, plan, &options, &out, diag) != TP_OK ||
           write_text(folder, name, ".h", out.header) != 0 ||
           write_text(folder, name, ".c", out.program) != 0 ||
           write_text(folder, name, "_weights.c", out.weights) != 0;
}

/* 2: trained on kept features, 1: on samples, 0: inference only, -1: failed. */
static int make_model(const wish *by, const char *folder, FILE *table) {
    const uint32_t seed = by->seed;
    tp_arena arena = {0};
    tp_plan *plan = tp_arena_alloc(&arena, 1, sizeof *plan);
    tp_diag last = {.arena = &arena};
    tp_status status = TP_ERR_UNSUPPORTED;
    for (int i = 0; status != TP_OK && i < CHOICES; i++) {
        const int choice = ((int)seed + i) % CHOICES;
        last = (tp_diag){.arena = &arena};
        status = plan_with(&arena, by, choice, plan, &last);
    }
    int result = -1;
    tp_interpreter interpreter;
    tp_ctx ctx;
    if (status == TP_OK && emit(&arena, plan, by->target, folder, &last) == 0) {
        tp_interpreter_init(&interpreter, plan);
        if (tp_interpreter_open(&arena, &interpreter, &ctx) == TP_OK) {
            const drive_digest d = drive(&ctx, seed);
            (void)fprintf(table, "MODEL(%s, %uu, 0x%08xu, 0x%08xu, 0x%08xu)\n",
                          plan->graph->name, (unsigned)seed, (unsigned)d.before,
                          (unsigned)d.adapter, (unsigned)d.after);
            result = (interpreter.model.sample != NULL) +
                     (interpreter.model.keep != NULL);
        }
    }
    for (int i = 0; result < 0 && i < last.count; i++) {
        (void)fprintf(stderr, "seed %u: %s\n", (unsigned)seed,
                      last.message[i].text);
    }
    tp_arena_free(&arena);
    return result;
}

/* NULL: there is none of that name. */
static const tp_target *find_target(const char *name) {
    for (int i = 0; i < TP_N_TARGETS; i++) {
        if (strcmp(tp_targets[i].name, name) == 0) {
            return &tp_targets[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    const tp_target *target = argc == 4 ? find_target(argv[3]) : NULL;
    if (target == NULL) {
        (void)fprintf(stderr, "usage: generate N DIRECTORY TARGET\n");
        return 2;
    }
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/models.inc", argv[2]);
    FILE *table = fopen(path, "w");
    if (table == NULL) {
        perror(path);
        return 1;
    }
    const int n = atoi(argv[1]);
    int trained = 0;
    int latent = 0;
    int failed = 0;
    for (int i = 1; i <= n; i++) {
        const wish by = {(uint32_t)i, target};
        const int result = make_model(&by, argv[2], table);
        trained += result >= 1;
        latent += result == 2;
        failed += result < 0;
    }
    printf("%d models, %d of them trained, %d on kept features, %d failed\n", n,
           trained, latent, failed);
    return fclose(table) != 0 || failed > 0 || trained < n / 2 ||
           latent < n / 8;
}
