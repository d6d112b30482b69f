/* One op, verified and lowered by its table entry, and its steps run: for the
 * tests of functions of one byte, softmax and data movement. */
#ifndef TP_TESTS_UNIT_LOWERED_H
#define TP_TESTS_UNIT_LOWERED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ops/opdef.h"
#include "core/rng.h"

#define BENCH_TENSORS 16

typedef struct bench {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
    tp_lower low;
    void *buffer[BENCH_TENSORS]; /* of each tensor, malloc'ed exactly */
    tp_gscale gscale;            /* of every gradient */
} bench;

static inline void bench_begin(bench *b) {
    memset(b, 0, sizeof *b);
    b->diag.arena = &b->arena;
    b->graph.arena = &b->arena;
    b->graph.name = "test";
    b->graph.input = b->graph.output = b->graph.logits = -1;
    b->low =
        (tp_lower){.graph = &b->graph, .arena = &b->arena, .diag = &b->diag};
}

static inline void bench_end(bench *b) {
    for (int i = 0; i < BENCH_TENSORS; i++) {
        free(b->buffer[i]);
    }
    tp_arena_free(&b->arena);
}

static inline int bench_tensor(bench *b, tp_dtype dtype, int rank,
                               const int32_t *dim, float scale, int32_t zp) {
    float *copy = tp_arena_copy(&b->arena, &scale, 1, sizeof scale);
    tp_tensor t = {.name =
                       tp_arena_printf(&b->arena, "t%d", b->graph.n_tensors),
                   .dtype = dtype,
                   .role = TP_VALUE,
                   .rank = rank,
                   .train = {.param = -1}};
    for (int i = 0; i < rank; i++) {
        t.dim[i] = dim[i];
    }
    if (dtype == TP_S8 || dtype == TP_U8) {
        t.quant = (tp_quant){.n = 1, .scale = copy, .zero_point = zp};
    }
    const int index = tp_graph_add_tensor(&b->graph, &t);
    assert_in_range(index, 0, BENCH_TENSORS - 1);
    b->buffer[index] = calloc(1, tp_tensor_bytes(&t));
    assert_non_null(b->buffer[index]);
    return index;
}

/* The op at the end of the graph, for its attributes. */
static inline tp_op *bench_op(bench *b, tp_kind kind, const int *in, int n_in,
                              int out) {
    tp_op *op = tp_graph_insert_op(&b->graph, b->graph.n_ops, kind, "op", in,
                                   n_in, out);
    assert_non_null(op);
    b->graph.first_backward = b->graph.n_ops;
    return op;
}

static inline tp_status bench_verify(bench *b) {
    const tp_op *op = &b->graph.op[b->graph.n_ops - 1];
    const tp_status status =
        tp_opdef_of(op->kind)->verify(&b->graph, op, &b->diag);
    /* A refusal says where and what. */
    if (status != TP_OK) {
        const char *text = b->diag.message[b->diag.count - 1].text;
        assert_memory_equal(text, "op op", 5);
        assert_true(strlen(text) > 15);
    }
    return status;
}

/* The steps of the last op, the earlier ones forgotten. */
static inline void bench_lower(bench *b) {
    b->low.op = b->graph.n_ops - 1;
    b->low.n_steps = 0;
    const tp_op *op = &b->graph.op[b->low.op];
    assert_int_equal(tp_opdef_of(op->kind)->lower(&b->low, op), TP_OK);
}

static inline void bench_step(bench *b, const tp_step *s) {
    void *p[TP_MAX_ARGS] = {NULL};
    for (int i = 0; i < s->n_args; i++) {
        assert_int_not_equal(s->arg[i].kind, TP_ARG_CONST);
        p[i] = s->arg[i].kind == TP_ARG_GSCALE ? (void *)&b->gscale
                                               : b->buffer[s->arg[i].tensor];
    }
    switch ((int)s->kernel) {
    case TP_K_lut_s8_fwd_ref:
        tp_lut_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_softmax_s8_fwd_ref:
        tp_softmax_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_copy_s8_fwd_ref:
        tp_copy_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_fill_s8_fwd_ref:
        tp_fill_s8_fwd_ref(s->desc, p[0]);
        break;
    case TP_K_resize_s8_fwd_ref:
        tp_resize_s8_fwd_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_lut_q8_bwd_x_ref:
        tp_lut_q8_bwd_x_ref(s->desc, p[0], p[1], p[2], p[3]);
        break;
    case TP_K_copy_q8_bwd_x_ref:
        tp_copy_q8_bwd_x_ref(s->desc, p[0], p[1]);
        break;
    case TP_K_fill_q8_bwd_x_ref:
        tp_fill_q8_bwd_x_ref(s->desc, p[0]);
        break;
    case TP_K_resize_q8_bwd_x_ref:
        tp_resize_q8_bwd_x_ref(s->desc, p[0], p[1], p[2]);
        break;
    default:
        fail_msg("kernel %d is not of these tests", (int)s->kernel);
    }
}

static inline void bench_run(bench *b) {
    for (int i = 0; i < b->low.n_steps; i++) {
        bench_step(b, &b->low.step[i]);
    }
}

/* Verified, lowered, run. */
static inline void bench_go(bench *b) {
    assert_int_equal(bench_verify(b), TP_OK);
    bench_lower(b);
    bench_run(b);
}

/* The gradient of the last op, whose input `x` needs one: tensor dy is made,
 * the rule applied, and each backward op verified. Returns dx; *dy is set. */
static inline int bench_grad(bench *b, int x, int *dy) {
    bool needs[BENCH_TENSORS] = {false};
    int grad[BENCH_TENSORS];
    tp_autodiff ad = {.graph = &b->graph,
                      .diag = &b->diag,
                      .n_forward = b->graph.n_ops,
                      .n_tensors = b->graph.n_tensors,
                      .needs = needs,
                      .grad = grad};
    for (int i = 0; i < BENCH_TENSORS; i++) {
        grad[i] = -1;
    }
    needs[x] = true;
    const tp_op *op = &b->graph.op[b->graph.n_ops - 1];
    const tp_tensor *y = &b->graph.tensor[op->out];
    *dy = bench_tensor(b, TP_Q8, y->rank, y->dim, 0.0f, 0);
    op = &b->graph.op[b->graph.n_ops - 1];
    assert_int_equal(tp_opdef_of(op->kind)->grad(&ad, op, *dy), TP_OK);
    assert_true(grad[x] >= 0);
    free(b->buffer[grad[x]]); /* dy's own where dx is dy */
    b->buffer[grad[x]] = calloc(1, tp_tensor_bytes(&b->graph.tensor[grad[x]]));
    assert_non_null(b->buffer[grad[x]]);
    return grad[x];
}

/* FNV-1a, 64 bits: stands for bytes that are too many to write down. */
static inline uint64_t bytes_hash(const void *bytes, size_t n) {
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        h = (h ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

/* The input that such facts are about. */
static inline void fact_bytes(void *to, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)((i * i * 7u + i * 13u + 5u) >> 2);
    }
}

/* Random bytes over the whole range of int8. */
static inline void random_bytes(void *to, size_t n, uint32_t *rng) {
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)to)[i] = (uint8_t)(tp_rng_next(rng) >> 24);
    }
}

#endif
