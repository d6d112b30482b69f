/* Any bytes as a .tflite file: refused with a message, or a graph all of
 * which can be read. Seeds: .tflite files, real or of tests/unit. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Traps where a fact that the importer promises does not hold. */
static void demand(bool fact) {
    if (!fact) {
        abort();
    }
}

static void walk_tensor(const tp_tensor *t) {
    demand(t->name != NULL && strlen(t->name) < 128);
    demand(t->rank >= 0 && t->rank <= TP_MAX_RANK);
    int64_t count = 1;
    for (int i = 0; i < t->rank; i++) {
        demand(t->dim[i] >= 1);
        count *= t->dim[i];
        demand(count <= INT32_MAX);
    }
    for (int c = 0; c < t->quant.n; c++) {
        demand(isfinite(t->quant.scale[c]) && t->quant.scale[c] > 0.0f);
    }
    demand(t->quant.n <= 1 || t->quant.n == t->dim[t->quant.axis]);
    demand(t->role == TP_CONST || t->data == NULL);
    if (t->role == TP_CONST) {
        const uint8_t *data = t->data;
        uint8_t sum = 0;
        for (size_t i = 0; i < tp_tensor_bytes(t); i++) {
            sum = (uint8_t)(sum + data[i]); /* the sanitizer looks on */
        }
        demand(sum <= UINT8_MAX);
    }
}

static void walk_op(const tp_graph *g, int i) {
    const tp_op *op = &g->op[i];
    demand(op->out >= 0 && op->out < g->n_tensors);
    demand(tp_graph_producer(g, op->out) == i);
    demand(op->n_in >= 1 && strlen(op->name) > 0);
    for (int k = 0; k < op->n_in; k++) {
        demand(op->in[k] >= 0 && op->in[k] < g->n_tensors);
        const tp_role role = g->tensor[op->in[k]].role;
        demand(role == TP_INPUT || role == TP_CONST ||
               tp_graph_producer(g, op->in[k]) < i);
        demand(role != TP_VALUE || tp_graph_producer(g, op->in[k]) >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph;
    const tp_status status = tp_import(&arena, bytes, n, "fuzz", &graph, &diag);
    demand((status == TP_OK) == (diag.errors == 0));
    if (status == TP_OK) {
        demand(graph.n_ops >= 1);
        demand(graph.tensor[graph.input].role == TP_INPUT);
        demand(tp_graph_producer(&graph, graph.output) >= 0);
        for (int i = 0; i < graph.n_tensors; i++) {
            walk_tensor(&graph.tensor[i]);
        }
        for (int i = 0; i < graph.n_ops; i++) {
            walk_op(&graph, i);
        }
    }
    tp_arena_free(&arena);
    return 0;
}
