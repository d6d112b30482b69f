/* Small random models, for comparing two executions of the same graph. */
#ifndef TP_TEST_RANDOM_GRAPH_H
#define TP_TEST_RANDOM_GRAPH_H

#include "compiler/ir/ir.h"

/* A sound forward graph as the importer would make it: 4 to 12 ops, values of
 * at most about 2000 elements, scales such that few activations saturate,
 * biases at the scale of their accumulators. Seven of eight end with a fully
 * connected layer of 2 to 6 classes, and about half of these with a softmax
 * after it; the others end anyhow. Of 50 seeds in a row every imported kind of
 * op appears.
 *   seed   same seed, same graph
 *   graph  [out] written only on TP_OK; name "g<seed>", lives in `arena`
 * Any error but TP_ERR_NO_MEMORY is a mistake in here or in a verifier. */
TP_MUST_CHECK tp_status tp_random_graph(tp_arena *arena, uint32_t seed,
                                        tp_graph *graph, tp_diag *diag);

#endif
