#include "tests/unit/imported.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/ir/verify.h"

static void print(const tp_diag *diag) {
    for (int k = 0; k < diag->count; k++) {
        print_message("%s\n", diag->message[k].text);
    }
}

void tp_accept_bytes(imported *i, const uint8_t *bytes, size_t n) {
    memset(i, 0, sizeof *i);
    i->diag.arena = &i->arena;
    const tp_status status =
        tp_import(&i->arena, bytes, n, "a model", &i->graph, &i->diag);
    print(&i->diag);
    assert_int_equal(status, TP_OK);
    assert_int_equal(i->diag.errors, 0);
    assert_int_equal(tp_graph_verify(&i->graph, &i->diag), TP_OK);
    assert_string_equal(i->graph.name, "a_model");
    assert_int_equal(i->graph.logits, -1);
    assert_int_equal(i->graph.first_backward, i->graph.n_ops);
}

void tp_accept(imported *i, const tp_tb_model *m) {
    size_t n = 0;
    uint8_t *bytes = tp_tb_bytes(m, &n);
    tp_accept_bytes(i, bytes, n);
    free(bytes); /* nothing of the file is kept */
}

void tp_imported_free(imported *i) {
    tp_arena_free(&i->arena);
}

static bool says(const char *text, const char *where, const char *what) {
    const char *at = strstr(text, where);
    return at == text && strstr(at + strlen(where), what) != NULL;
}

int tp_refuse(const tp_tb_model *m, tp_status status, const char *where,
              const char *what) {
    size_t n = 0;
    uint8_t *bytes = tp_tb_bytes(m, &n);
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    tp_graph graph, before;
    memset(&graph, 0x5a, sizeof graph);
    memcpy(&before, &graph, sizeof graph);
    const tp_status is = tp_import(&arena, bytes, n, "x", &graph, &diag);
    bool said = false;
    for (int k = 0; k < diag.count; k++) {
        said = said || says(diag.message[k].text, where, what);
    }
    if (!said || is != status) {
        print_message("expected %d: %s ... %s; got %d:\n", status, where, what,
                      is);
        print(&diag);
    }
    assert_int_equal(is, status);
    assert_true(said);
    assert_memory_equal(&graph, &before, sizeof graph);
    tp_arena_free(&arena);
    free(bytes);
    return diag.errors;
}

const tp_op *tp_op_at(const imported *i, int k, const char *name) {
    assert_true(k < i->graph.n_ops);
    assert_string_equal(i->graph.op[k].name, name);
    return &i->graph.op[k];
}

const tp_tensor *tp_in_of(const imported *i, const tp_op *op, int k) {
    return &i->graph.tensor[op->in[k]];
}

const tp_tensor *tp_out_of(const imported *i, const tp_op *op) {
    return &i->graph.tensor[op->out];
}

void tp_has_dims(const tp_tensor *t, int rank, const int32_t *dim) {
    assert_int_equal(t->rank, rank);
    assert_memory_equal(t->dim, dim, (size_t)rank * sizeof *dim);
}

void tp_has_list(const tp_op *op, int n, const int32_t *list) {
    assert_int_equal(op->attr.n_list, n);
    assert_memory_equal(op->attr.list, list, (size_t)n * sizeof *list);
}

int tp_words(tp_tb_model *m, const int32_t *list, int n) {
    return tp_tb_const(m, "list", TP_TB_I32, n, list, 4 * (size_t)n);
}
