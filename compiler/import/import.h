/* .tflite bytes -> verified graph. The only code that sees the format. */
#ifndef TP_COMPILER_IMPORT_H
#define TP_COMPILER_IMPORT_H

#include "compiler/ir/ir.h"

/*   bytes, n    [in] the file; need not be aligned; not kept
 *   name        [in] for the generated code; made a C identifier
 *   graph       [out] written only on TP_OK
 * Ops are called <kind><index in the file> ("conv4", "relu6_7"). What nobody
 * uses is left out, with a note. A float interface is dropped (io_in, io_out
 * say so); the graph then begins and ends with the int8 tensors.
 * Everything that is wrong with the file is reported in `diag` in one run:
 *   TP_ERR_TRUNCATED, TP_ERR_MALFORMED  the bytes are no sound model
 *   TP_ERR_UNSUPPORTED                  sound, but nothing here runs it */
TP_MUST_CHECK tp_status tp_import(tp_arena *arena, const uint8_t *bytes,
                                  size_t n, const char *name, tp_graph *graph,
                                  tp_diag *diag);

#endif
