#include "compiler/import/import.h"

#include "compiler/import/tflite.h"

tp_status tp_import(tp_arena *arena, const uint8_t *bytes, size_t n,
                    const char *name, tp_graph *graph, tp_diag *diag) {
    tp_tfl_model m = {.arena = arena,
                      .diag = diag,
                      .span = {.bytes = bytes, .n = n},
                      .status = TP_OK,
                      .budget = TP_TFL_BUDGET};
    tp_graph made = {.arena = arena};
    made.name = tp_tfl_identifier(&m, name);
    tp_tfl_parse(&m);
    if (m.op != NULL) { /* otherwise there is no subgraph to judge */
        tp_tfl_check(&m);
        tp_tfl_fold(&m);
        tp_tfl_map(&m);
    }
    if (m.status == TP_OK) {
        tp_tfl_build(&m, &made);
    }
    if (m.status == TP_OK) {
        *graph = made;
    }
    return m.status;
}
