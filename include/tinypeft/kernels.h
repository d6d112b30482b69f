/* Every kernel's prototype, from the rows of kernels.def:
 *     void tp_<name>_<isa>(const <descriptor> *op, <arguments>);
 * Kernels are void: the plan proved shapes and ranges. The contract of each
 * (shapes, scales, bounds) stands above its `ref` definition. */
#ifndef TINYPEFT_KERNELS_H
#define TINYPEFT_KERNELS_H

#include "tinypeft/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TP_UNWRAP(...) __VA_ARGS__
#define TP_KERNEL(name, isa, desc, n_args, args)                               \
    void tp_##name##_##isa(const desc *op, TP_UNWRAP args);
#include "tinypeft/kernels.def"
#undef TP_KERNEL

#define TP_PART(name, type) type name;
#include "tinypeft/parts.def"
#undef TP_PART

#ifdef __cplusplus
}
#endif
#endif
