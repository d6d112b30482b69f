/* What every pass may rely on and must keep. */
#ifndef TP_COMPILER_VERIFY_H
#define TP_COMPILER_VERIFY_H

#include "compiler/ir/ir.h"

/* Checks the graph and reports everything that is wrong with it, as
 * "tensor %12 'name': ...", "op conv4: ..." or "graph: ...":
 *   tensors   shape, element count < 2^31, type and role go together, scales
 *             and zero point in range, constants have data, gradients name
 *             their parameter
 *   ops       inputs as many as the table says, defined before they are read,
 *             one producer each, unique names; only training ops touch the
 *             target, the loss and the gradients
 *   graph     input, output and logits exist; inference makes the output
 * and where all that holds, each op's own rules (tp_opdef.verify).
 * Returns the status of the first error; TP_ERR_NO_MEMORY apart, that of a
 * graph that contradicts itself is TP_ERR_MALFORMED. */
TP_MUST_CHECK tp_status tp_graph_verify(const tp_graph *graph, tp_diag *diag);

#endif
