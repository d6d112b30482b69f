#include "compiler/emit/emit.h"

#include <string.h>

#include "compiler/emit/parts.h"

static bool is_taken(const tp_emitter *e, const char *name) {
    for (int i = 0; i < e->n_descs; i++) {
        if (strcmp(e->desc[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* "conv4_op"; a second one gets a number. */
static const char *desc_name(const tp_emitter *e, const tp_op *op) {
    const char *plain = tp_c_name(e->arena, op->name);
    const char *name =
        plain != NULL ? tp_arena_printf(e->arena, "%s_op", plain) : NULL;
    for (int n = 2; name != NULL && is_taken(e, name); n++) {
        name = tp_arena_printf(e->arena, "%s_op%d", plain, n);
    }
    return name;
}

/* Descriptors that several programs use are printed once. */
static tp_status collect(tp_emitter *e, const tp_program *program,
                         tp_diag *diag) {
    const tp_graph *graph = e->plan->graph;
    for (int i = 0; i < program->n_steps; i++) {
        const tp_step *step = &program->step[i];
        if (tp_emit_desc_name(e, step->desc) != NULL) {
            continue;
        }
        const char *name = desc_name(e, &graph->op[step->op]);
        if (name == NULL) {
            return tp_no_memory(diag);
        }
        e->desc[e->n_descs++] = (tp_emit_desc){name, step};
    }
    return TP_OK;
}

const char *tp_emit_desc_name(const tp_emitter *e, const void *desc) {
    for (int i = 0; i < e->n_descs; i++) {
        if (e->desc[i].step->desc == desc) {
            return e->desc[i].name;
        }
    }
    return NULL;
}

const char *tp_emit_const_name(const tp_emitter *e, const void *data) {
    for (int i = 0; data != NULL && i < e->plan->n_constants; i++) {
        if (e->plan->constant[i].data == data) {
            return e->plan->constant[i].name;
        }
    }
    return NULL;
}

const char *tp_emit_shape(tp_arena *arena, const tp_tensor *t) {
    const char *text = "";
    for (int i = 0; i < t->rank && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s%s%d", text, i > 0 ? "x" : "",
                               (int)t->dim[i]);
    }
    return text != NULL && text[0] != '\0' ? text : "1";
}

const char *tp_emit_real(tp_arena *arena, const tp_tensor *t) {
    const int zero = (int)t->quant.zero_point;
    const char *text =
        tp_arena_printf(arena, "%.9g * (q %c %d)", (double)t->quant.scale[0],
                        zero < 0 ? '+' : '-', zero < 0 ? -zero : zero);
    return text != NULL ? text : "";
}

tp_status tp_emit(tp_arena *arena, const tp_plan *plan,
                  const tp_emit_options *options, tp_emitted *out,
                  tp_diag *diag) {
    const size_t steps = (size_t)plan->infer.n_steps +
                         (size_t)plan->keep.n_steps +
                         (size_t)plan->sample.n_steps;
    tp_emitter e = {.arena = arena,
                    .plan = plan,
                    .options = options,
                    .name = plan->graph->name,
                    .upper = tp_emit_upper(arena, plan->graph->name),
                    .desc = tp_arena_alloc(arena, steps + 1, sizeof *e.desc)};
    if (e.upper == NULL || e.desc == NULL) {
        return tp_no_memory(diag);
    }
    TP_TRY(collect(&e, &plan->infer, diag));
    TP_TRY(collect(&e, &plan->keep, diag));
    TP_TRY(collect(&e, &plan->sample, diag));
    const tp_emitted texts = {.header = tp_emit_header(&e),
                              .program = tp_emit_program(&e),
                              .weights = tp_emit_weights(&e)};
    if (!texts.header || !texts.program || !texts.weights) {
        return tp_no_memory(diag);
    }
    *out = texts;
    return TP_OK;
}
