/* What the `dsp` lowerings do alike about a bias that is trained: its kernels
 * hold it within +-limit when they add it. */
#ifndef TP_COMPILER_OPS_LIMIT_H
#define TP_COMPILER_OPS_LIMIT_H

#include <stdbool.h>

#include "tinypeft/ops.h"

/* Packs a layer whose bias is held within +-limit; 0: nothing is trained.
 * false where a bound fails. */
typedef bool tp_pack_fn(void *packer, int32_t limit);

/* Packs with limit 0 where nothing is trained, else with the widest limit for
 * which all bounds hold; false where there is none. */
bool tp_pack_widest(tp_pack_fn *pack, void *packer, bool trained);

/* Whether a bias beyond the limit saturates the output of channel oc whatever
 * the input is, as it does at the limit.
 *   range   that the channel's sums lie in, without their bias
 *   scaled  its factor is trained too: with all that there can be, from 2^-4
 *           of the base's, which is the one that saturates last
 * `ref` does not wrap: the bias is within 2^30, or the file's own. */
bool tp_limit_saturates(const tp_conv2d *d, int32_t oc, bool scaled,
                        const int64_t range[2], int32_t limit);

#endif
