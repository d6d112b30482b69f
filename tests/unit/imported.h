/* Asserts around tp_import(), for tests/unit/test_import*.c. */
#ifndef TP_TEST_IMPORTED_H
#define TP_TEST_IMPORTED_H

#include "compiler/import/import.h"
#include "tests/unit/tflite_builder.h"

#define DIMS(...) ((const int32_t[]){__VA_ARGS__})

typedef struct imported {
    tp_arena arena;
    tp_diag diag;
    tp_graph graph;
} imported;

/* Fails the test unless the file is taken and the graph verifies. */
void tp_accept_bytes(imported *i, const uint8_t *bytes, size_t n);
void tp_accept(imported *i, const tp_tb_model *m);
void tp_imported_free(imported *i);
/* Fails the test unless the model is refused with that status, one message
 * contains `where` followed by `what`, and the graph is left alone. Returns
 * the number of errors. */
int tp_refuse(const tp_tb_model *m, tp_status status, const char *where,
              const char *what);

/* Op k of the graph, which has that name. */
const tp_op *tp_op_at(const imported *i, int k, const char *name);
const tp_tensor *tp_in_of(const imported *i, const tp_op *op, int k);
const tp_tensor *tp_out_of(const imported *i, const tp_op *op);
void tp_has_dims(const tp_tensor *t, int rank, const int32_t *dim);
void tp_has_list(const tp_op *op, int n, const int32_t *list);
/* Appends an int32 constant; the list must outlive the model. */
int tp_words(tp_tb_model *m, const int32_t *list, int n);

#endif
