/* Drift: does the input still look as it did, and is the model still sure?
 * One call a sample, without labels, in integers and constant memory. Two
 * questions, answered apart:
 *
 *   changed  sums of the input have left where they were for their class
 *   harmful  the margin between the best two classes has fallen
 *
 * A change need not be harmful, so what to do is the application's decision:
 * ask for labels, train, or go on.
 *
 *     static const tp_drift_sum sums[10] = {{0, 49, 10}, {1, 49, 10}, ...};
 *     static const tp_drift_config config = {
 *         .sum = sums, .features = 10, .classes = 10, TP_DRIFT_DEFAULTS};
 *     static _Alignas(4) uint8_t state[TP_DRIFT_BYTES(10, 10)];
 *     tp_drift_begin(&config, state, sizeof state);
 *     with every sample: margin = tp_drift_margin(y, 10, &class);
 *         found = tp_drift_sample(&config, state, x, class, margin);
 *
 * The first samples calibrate: whatever they are is what counts as usual. After
 * an adapter has been trained margins and classes are others; begin anew. The
 * state is plain bytes (SPEC.md, "Drift") and may be kept over a reset. */
#ifndef TINYPEFT_DRIFT_H
#define TINYPEFT_DRIFT_H

#include "tinypeft/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One feature of the input: the mean of count values, one in every `stride`
 * from `first` on. count 1..65535. */
typedef struct tp_drift_sum {
    uint32_t first;
    uint16_t count;
    uint16_t stride;
} tp_drift_sum;

typedef struct tp_drift_config {
    const tp_drift_sum *sum; /* [features] */
    uint16_t features;       /* 1..64 */
    uint16_t classes;        /* 1..256 */
    uint16_t calibrate;      /* samples that calibrate, 64..1024 */
    uint16_t changed;        /* level that is reported, 2^-10 sigma^2 */
    uint16_t harmful;        /* likewise of the margin, 2^-5 deviations */
} tp_drift_config;

/* clang-format off */
#define TP_DRIFT_DEFAULTS .calibrate = 512, .changed = 2100, .harmful = 1600
/* clang-format on */

/* Bytes of state, an even number. */
#define TP_DRIFT_BYTES(features, classes)                                      \
    (16u + 2u * (features) * (classes) +                                       \
     ((3u * (features) + (classes) + 1u) & ~1u))

/* What a sample says, bits. */
typedef enum tp_drift_found {
    TP_DRIFT_CALIBRATING = 1, /* too few samples yet to say anything */
    TP_DRIFT_CHANGED = 2,
    TP_DRIFT_HARMFUL = 4
} tp_drift_found;

/* Starts to calibrate, for the first time or anew.
 *   state  [out] TP_DRIFT_BYTES(), aligned to 4
 * TP_ERR_ARGUMENT: a number out of range. TP_ERR_BUDGET: `bytes` is too few. */
TP_MUST_CHECK tp_status tp_drift_begin(const tp_drift_config *config,
                                       void *state, size_t bytes);

/* One sample; returns bits of tp_drift_found.
 *   x       [in] the model's input, int8
 *   label   the class that the model predicts. Of one that was rare while
 *           calibrating, or is no class, only the margin counts
 *   margin  as of tp_drift_margin() */
uint32_t tp_drift_sample(const tp_drift_config *config, void *state,
                         const int8_t *x, uint32_t label, uint8_t margin);

/* How far the input is from usual, in 2^-10 sigma^2, and the margin below its
 * mean, in 2^-5 of its deviation, summed up: what is compared with `changed`
 * and `harmful`. */
uint32_t tp_drift_level(const void *state);
uint32_t tp_drift_margin_level(const void *state);

/* The best of n scores and how far it is above the second; of equal ones the
 * first. n >= 1; the margin of a single score is 0. */
uint8_t tp_drift_margin(const int8_t *y, uint32_t n, uint32_t *label);

#ifdef __cplusplus
}
#endif
#endif
