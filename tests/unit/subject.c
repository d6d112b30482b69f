#include "tests/unit/subject.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/passes/passes.h"
#include "core/fixed.h"
#include "runtime/adapter/weights.h"
#include "runtime/train/sgd.h"
#include "tests/unit/random_graph.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

/* --- the integers --------------------------------------------------------- */

void tp_subject_ok(const tp_subject *s, tp_status status) {
    if (status != TP_OK) {
        fail_msg("%s: %s", s->name,
                 s->diag.count > 0 ? s->diag.message[0].text : "no memory");
    }
}

static void make_graph(tp_subject *s, const tp_adapted *a, uint32_t seed) {
    tp_maker m = {.graph = {.arena = &s->arena,
                            .name = "model",
                            .input = -1,
                            .output = -1,
                            .logits = -1,
                            .io_in = TP_S8,
                            .io_out = TP_S8},
                  .rng = tp_rng_seed(seed)};
    a->make(&m);
    assert_false(m.failed);
    m.graph.output = m.x;
    m.graph.first_backward = m.graph.n_ops;
    s->graph = m.graph;
}

/* Called after each pass: keeps what stands before fold, which hides zero
 * points in biases and changes no byte. */
static tp_status keep_plain(void *ctx, const char *stage,
                            const tp_graph *graph) {
    tp_subject *s = ctx;
    if (strcmp(stage, "fold") == 0) {
        return TP_OK;
    }
    const size_t n = (size_t)graph->n_ops;
    s->plain = *graph;
    s->plain.op = tp_arena_copy(&s->arena, graph->op, n, sizeof *graph->op);
    assert_non_null(s->plain.op);
    for (size_t i = 0; i < n; i++) {
        tp_op *op = &s->plain.op[i];
        op->in =
            tp_arena_copy(&s->arena, op->in, (size_t)op->n_in, sizeof *op->in);
        assert_non_null(op->in);
    }
    return TP_OK;
}

/* No label smoothing here: where a guess happens to lie at the smoothed target
 * every gradient vanishes, and its relative error says nothing.
 * test_head_loss.c checks the smoothed gradient. */
static void full_targets(tp_subject *s) {
    s->graph.op[s->graph.first_backward].attr.alpha = 0.0F;
    s->plain.op[s->plain.first_backward].attr.alpha = 0.0F;
}

/* Thousands of plans: no time for the best ones. */
static const tp_plan_options quick = {.effort = TP_EFFORT_QUICK};

/* Passes and plan. False where an adapter does not fit, which only a random
 * graph may do. */
static bool compile(tp_subject *s, const tp_adapted *a) {
    tp_adapter_spec spec[3];
    tp_pass_options options = {.spec = spec};
    for (; options.n_specs < 3 && a->spec[options.n_specs] != NULL;
         options.n_specs++) {
        tp_subject_ok(s, tp_adapter_parse(&s->arena, a->spec[options.n_specs],
                                          &spec[options.n_specs], &s->diag));
    }
    const tp_status status =
        tp_passes_run(&s->graph, &options, keep_plain, s, &s->diag);
    if (a->make == NULL &&
        (status == TP_ERR_ARGUMENT || status == TP_ERR_UNSUPPORTED)) {
        return false;
    }
    tp_subject_ok(s, status);
    full_targets(s);
    tp_subject_ok(
        s, tp_plan_make(&s->arena, &s->graph, &quick, &s->plan, &s->diag));
    return true;
}

void tp_subject_draw(tp_subject *s) {
    const tp_model *model = &s->run.model;
    for (uint32_t i = 0; i < model->x_bytes; i++) {
        s->x[i] = (uint8_t)(tp_rng_next(&s->rng) >> 24);
    }
    for (uint32_t i = 0; i < model->target_bytes; i++) {
        s->target[i] = (uint8_t)tp_rng_below(
            &s->rng, model->classes > 0 ? model->classes : 256);
    }
}

/* What starts at zero would let no gradient through: it becomes uniform. */
static void draw_weights(tp_subject *s) {
    tp_adapter_init(&s->ctx, 5);
    for (uint32_t p = 0; p < s->run.model.n_params; p++) {
        const tp_param *param = &s->run.model.params[p];
        int16_t *w = tp_arena_alloc(&s->arena, param->count, sizeof *w);
        assert_non_null(w);
        for (uint32_t i = 0; i < param->count; i++) {
            w[i] = (int16_t)((int32_t)tp_rng_below(&s->rng, 4001) - 2000);
        }
        if (param->init == TP_INIT_ZERO) {
            tp_weights_from_master(param, w, s->ctx.adapter);
        }
    }
}

enum { MOST_LOGITS = 16 }; /* of a random model */

bool tp_subject_open(tp_subject *s, const tp_adapted *a, uint32_t seed) {
    memset(s, 0, sizeof *s);
    s->name = a->name;
    s->diag.arena = &s->arena;
    s->rng = tp_rng_seed(seed);
    if (a->make != NULL) {
        make_graph(s, a, seed);
    } else {
        tp_subject_ok(s, tp_random_graph(&s->arena, seed, &s->graph, &s->diag));
    }
    const tp_tensor *y = &s->graph.tensor[s->graph.output];
    if (tp_tensor_count(y) > MOST_LOGITS || !compile(s, a)) {
        tp_arena_free(&s->arena);
        return false;
    }
    tp_interpreter_init(&s->run, &s->plan);
    tp_subject_ok(s, tp_interpreter_open(&s->arena, &s->run, &s->ctx));
    s->x = tp_arena_alloc(&s->arena, s->run.model.x_bytes, 1);
    s->target = tp_arena_alloc(&s->arena, s->run.model.target_bytes, 1);
    assert_non_null(s->x);
    assert_non_null(s->target);
    tp_subject_draw(s);
    draw_weights(s);
    return true;
}

void tp_subject_close(tp_subject *s) {
    tp_arena_free(&s->arena);
}

/* --- the float model of the tp_subject
 * ----------------------------------------
 */

/* TP_PARAM tensor of that name. */
static int named_tensor(const tp_subject *s, const char *name) {
    int found = -1;
    for (int i = 0; i < s->plain.n_tensors; i++) {
        if (s->plain.tensor[i].role == TP_PARAM &&
            strcmp(s->plain.tensor[i].name, name) == 0) {
            assert_int_equal(found, -1);
            found = i;
        }
    }
    assert_true(found >= 0);
    return found;
}

int tp_subject_param(const tp_subject *s, const tp_param *param) {
    return named_tensor(s, param->name);
}

void tp_subject_read(tp_subject *s) {
    const tp_op *loss = &s->plain.op[s->plain.first_backward];
    tp_subject_ok(s, tp_float_open(&s->arena, &s->plain, &s->real));
    tp_float_read(&s->real, s->plain.input, s->x);
    tp_float_read(&s->real, loss->in[1], s->target);
    for (uint32_t p = 0; p < s->run.model.n_params; p++) {
        const tp_param *param = &s->run.model.params[p];
        tp_float_read(&s->real, tp_subject_param(s, param),
                      s->ctx.adapter + param->adapter);
    }
    for (uint32_t i = 0; i < s->run.model.n_indices; i++) {
        const tp_index *index = &s->run.model.indices[i];
        tp_float_read(&s->real, named_tensor(s, index->name),
                      s->ctx.adapter + index->adapter);
    }
}

/* The integers of one tensor of the forward part: those of the same graph with
 * that tensor as its output. */
static void read_tensor(tp_subject *s, int tensor) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph = s->plain;
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
    graph.output = tensor;
    if (tp_plan_make(&arena, &graph, &quick, &plan, &diag) != TP_OK) {
        /* the input under another shape is nothing to compile */
        assert_non_null(strstr(diag.message[0].text, "the input itself"));
        tp_float_read(&s->real, tensor, s->x);
    } else {
        tp_interpreter_init(&run, &plan);
        tp_subject_ok(s, tp_interpreter_open(&arena, &run, &ctx));
        assert_int_equal(run.model.layout_id, s->run.model.layout_id);
        memcpy(ctx.adapter, s->ctx.adapter, run.model.adapter_bytes);
        uint8_t *y = tp_arena_alloc(&arena, run.model.y_bytes, 1);
        assert_non_null(y);
        run.model.infer(&ctx, s->x, y);
        tp_float_read(&s->real, tensor, y);
    }
    tp_arena_free(&arena);
}

void tp_subject_anchor(tp_subject *s) {
    double worst = 0.0;
    const char *where = "";
    for (int i = 0; i < s->plain.first_backward; i++) {
        const int out = s->plain.op[i].out;
        if (s->real.value[out] != NULL) {
            read_tensor(s, out);
        }
    }
    tp_subject_ok(s, tp_float_anchor(&s->arena, &s->real, &worst, &where));
    if (!(worst <= 1.0)) {
        fail_msg("%s: op %s is %g steps off the float model", s->name, where,
                 worst);
    }
}

/* --- a gradient ------------------------------------------------------------
 */

/* More samples than a scale waits before it falls. */
enum { STILL = 12, MOST_SCALES = 256 };

/* What the scales were, and for how many samples. */
typedef struct scales {
    int8_t e[MOST_SCALES];
    int still[MOST_SCALES];
} scales;

/* A peak uses its seven bits; -64 counts as 63, and as 129 and too large one
 * exponent below. */
static bool is_full(const tp_gscale *g) {
    return tp_bits32(g->peak) == 7 || g->peak == 63;
}

/* Every gradient tensor is full; or its scale stands still as low as it goes,
 * for it is zero throughout or too small. */
static bool settled(const tp_subject *s, scales *was) {
    const uint8_t *at = s->ctx.train + s->run.model.layout.gscale;
    const tp_gscale *g = (const tp_gscale *)(const void *)at;
    bool all = true;
    assert_true(s->run.model.n_gscale <= MOST_SCALES);
    for (uint32_t i = 0; i < s->run.model.n_gscale; i++) {
        const bool moved = g[i].e != was->e[i];
        was->still[i] = moved ? 0 : was->still[i] + 1;
        was->e[i] = g[i].e;
        all = all && (is_full(&g[i]) ||
                      (was->still[i] >= STILL && tp_bits32(g[i].peak) < 7));
    }
    return all;
}

double tp_subject_settle(tp_subject *s) {
    const tp_train_layout *layout = &s->run.model.layout;
    const tp_train_config config = TP_TRAIN_DEFAULTS;
    scales was = {.still = {0}};
    tp_subject_ok(s, tp_train_begin(&s->ctx, &config));
    for (int i = 0; i < 800; i++) {
        int32_t loss = 0;
        memset(s->ctx.train + layout->grads, 0, layout->grads_bytes);
        tp_slice all = {.x = s->x,
                        .target = s->target,
                        .loss = &loss,
                        .steps = UINT32_MAX,
                        .cost = UINT32_MAX};
        s->run.model.sample(&s->ctx, &all);
        if (settled(s, &was)) {
            return ldexp(loss, -16);
        }
        tp_gscales_next(&s->ctx);
    }
    fail_msg("%s: the gradient scales do not settle", s->name);
    return 0.0;
}
