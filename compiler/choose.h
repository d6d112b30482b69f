/* Which weights a sparse adapter is to change: those whose gradients over the
 * shots are the largest. Sung et al. 2021 (FISH mask), arXiv:2111.09839. */
#ifndef TP_COMPILER_CHOOSE_H
#define TP_COMPILER_CHOOSE_H

#include "compiler/compiler.h"
#include "tinypeft/train.h"

/* Samples and targets, one behind the other, as the model takes them. */
typedef struct tp_shots {
    const void *x;
    const void *target;
    uint32_t n;
    tp_train_config config; /* of the training that follows */
} tp_shots;

/* True where a spec wants more than a random choice. */
bool tp_choose_wanted(const tp_adapter_spec *spec, int n);

/* Writes the lists of ctx's adapter, which tp_adapter_init() has started, for
 * the specs that want it: gradient, the largest sums of |g| over the shots;
 * fisher, of g^2. Each slot keeps the number of entries that its spec gave it.
 *
 * The gradients are those of every weight of the slots, in a model of its own;
 * before, what else is trained (a new head starts at 0, and passes no gradient)
 * is trained as `shots->config` says, without a delta.
 *   bytes, n, options  as for tp_compile(), which has made the model of ctx
 * Errors are those of tp_compile() and of training. */
TP_MUST_CHECK tp_status tp_choose(tp_arena *arena, const uint8_t *bytes,
                                  size_t n, const tp_compile_options *options,
                                  const tp_shots *shots, const tp_ctx *ctx,
                                  tp_diag *diag);

#endif
