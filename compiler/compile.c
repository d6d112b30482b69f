/* The pipeline: bytes -> graph -> passes -> plan. */
#include <string.h>

#include "compiler/compiler.h"
#include "compiler/ir/text.h"
#include "core/sha256.h"

typedef struct dumper {
    tp_arena *arena;
    const tp_compile_options *options;
    tp_diag *diag;
} dumper;

static tp_status dump(void *ctx, const char *stage, const tp_graph *graph) {
    const dumper *d = ctx;
    if (d->options->dump == NULL) {
        return TP_OK;
    }
    const char *text = tp_graph_print(d->arena, graph);
    if (text == NULL) {
        return tp_no_memory(d->diag);
    }
    d->options->dump(d->options->dump_ctx, stage, text);
    return TP_OK;
}

static tp_status parse_specs(tp_arena *arena, const tp_compile_options *options,
                             tp_pass_options *passes, tp_diag *diag) {
    tp_adapter_spec *spec =
        tp_arena_alloc(arena, (size_t)options->n_specs + 1, sizeof *spec);
    if (spec == NULL) {
        return tp_no_memory(diag);
    }
    for (int i = 0; i < options->n_specs; i++) {
        TP_TRY(tp_adapter_parse(arena, options->spec[i], &spec[i], diag));
    }
    *passes = (tp_pass_options){
        .spec = spec, .n_specs = options->n_specs, .loss = options->loss};
    return TP_OK;
}

tp_status tp_compile(tp_arena *arena, const uint8_t *bytes, size_t n,
                     const tp_compile_options *options, tp_plan *plan,
                     tp_diag *diag) {
    dumper d = {.arena = arena, .options = options, .diag = diag};
    tp_pass_options passes;
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    if (graph == NULL) {
        return tp_no_memory(diag);
    }
    TP_TRY(parse_specs(arena, options, &passes, diag));
    TP_TRY(tp_import(arena, bytes, n, options->name, graph, diag));
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes, n);
    tp_sha256_done(&sha, graph->sha256);
    TP_TRY(dump(&d, "import", graph));
    TP_TRY(tp_passes_run(graph, &passes, dump, &d, diag));
    const tp_schedule_options schedule = {.state = options->state,
                                          .ram = options->ram,
                                          .plan = options->plan,
                                          .dump = dump,
                                          .dump_ctx = &d};
    TP_TRY(tp_schedule_plan(arena, graph, &schedule, plan, diag));
    if (options->dump != NULL) {
        const char *text = tp_plan_print(arena, plan);
        if (text == NULL) {
            return tp_no_memory(diag);
        }
        options->dump(options->dump_ctx, "plan", text);
    }
    return TP_OK;
}
