/* Drift of the input: for each predicted class the mean of a few sums, then an
 * exponentially weighted mean of how far each sample is from its class's, in
 * units of the standard deviation within a class. Drift of the margin: a sum of
 * what it lacks (CUSUM, Page 1954), with the mean of the calibration.
 *
 * Classes are told apart because the same word spoken ten times in a row would
 * otherwise look like a change. References are frozen: one that follows the
 * stream follows the drift as well. */
#include "tinypeft/drift.h"

#include <stdbool.h>
#include <string.h>

#include "core/fixed.h"

#define FRACTION 6      /* bits of a feature behind the point: |x| <= 2^13 */
#define SUM_SHIFT 4     /* of them dropped in a class's sum */
#define SUM_MOST 64u    /* samples in it: 64 * 2^13 / 2^4 = 2^15 */
#define CLASS_LEAST 20u /* samples of a class that is compared */
#define EWMA_SHIFT 5
#define ONE_SIGMA 1024
#define CLIP (6 * ONE_SIGMA) /* what one sample may say */
#define SPREAD_LEAST 16u     /* mean deviation, 1/4: below is rounding */
#define MARGIN_LEAST 512u    /* its deviation, 2 */

/* The head of the state. While calibrating `margin` and `spread` are sums, of
 * margins and of their squares; then mean and deviation with 8 bits behind the
 * point. */
typedef struct head {
    uint32_t margin;
    uint32_t spread;
    uint16_t seen; /* samples that have calibrated */
    uint16_t level;
    uint16_t lack; /* of the margin, summed up */
    uint16_t zero;
} head;

_Static_assert(sizeof(head) == 16, "TP_DRIFT_BYTES counts it");

/* Behind it, in this order. While calibrating a class's `mean` is the sum of
 * its first SUM_MOST samples, and `ewma` with `scale` above it the 24-bit sum
 * of a feature's absolute deviations. */
typedef struct view {
    head *head;
    int16_t *mean;  /* [classes][features] */
    int16_t *ewma;  /* [features], 2^-10 sigma */
    uint8_t *scale; /* [features]: 1 / sigma, see units() */
    uint8_t *count; /* [classes] */
} view;

static view look(const tp_drift_config *config, void *state) {
    view v = {.head = state};
    v.mean = (int16_t *)(void *)(v.head + 1);
    v.ewma = v.mean + (size_t)config->features * config->classes;
    v.scale = (uint8_t *)(v.ewma + config->features);
    v.count = v.scale + config->features;
    return v;
}

tp_status tp_drift_begin(const tp_drift_config *config, void *state,
                         size_t bytes) {
    const uint32_t features = config->features;
    const uint32_t classes = config->classes;
    if (features < 1 || features > 64 || classes < 1 || classes > 256 ||
        config->calibrate < 64 || config->calibrate > 1024) {
        return TP_ERR_ARGUMENT;
    }
    for (uint32_t f = 0; f < features; f++) {
        if (config->sum[f].count < 1) {
            return TP_ERR_ARGUMENT;
        }
    }
    if (bytes < TP_DRIFT_BYTES(features, classes)) {
        return TP_ERR_BUDGET;
    }
    memset(state, 0, TP_DRIFT_BYTES(features, classes));
    return TP_OK;
}

/* --- numbers -------------------------------------------------------------- */

/* To the nearest, halves away from 0; d > 0, |n| + d < 2^31. */
static int32_t divide(int32_t n, int32_t d) {
    return (n < 0 ? n - d / 2 : n + d / 2) / d;
}

/* The mean, 2^-6. 65,535 values of 2^7 are below 2^23, and 2^6 times that below
 * 2^29. */
static int32_t feature(const tp_drift_sum *sum, const int8_t *x) {
    int32_t total = 0;
    const int8_t *at = x + sum->first;
    uint32_t i = 0;
    do { /* there is one at least */
        total += at[(size_t)i * sum->stride];
    } while (++i < sum->count);
    return divide(total * (1 << FRACTION), sum->count);
}

static uint32_t square_root(uint32_t n) {
    uint32_t root = 0;
    for (uint32_t bit = UINT32_C(1) << 15; bit > 0; bit >>= 1) {
        if ((root | bit) * (root | bit) <= n) {
            root |= bit;
        }
    }
    return root;
}

/* --- calibration ----------------------------------------------------------
 *
 * The first three quarters make means; the last quarter goes on with them and
 * measures deviations, of samples whose class has a mean. The others do not
 * count there, so that it lasts until there is something to measure. */

static bool measuring(const tp_drift_config *config, const view *v) {
    return v->head->seen >= config->calibrate - config->calibrate / 4u;
}

static bool known(const view *v, uint32_t label) {
    return v->count[label] >= CLASS_LEAST;
}

static uint32_t spread_of(const view *v, uint32_t f) {
    return (uint32_t)(uint16_t)v->ewma[f] | (uint32_t)v->scale[f] << 16;
}

/* 256 deviations of at most 2^14 are 2^22, of 24 bits. */
static void add_spread(const view *v, uint32_t f, int32_t deviation) {
    const uint32_t sum =
        spread_of(v, f) + (uint32_t)(deviation < 0 ? -deviation : deviation);
    v->ewma[f] = (int16_t)(uint16_t)sum;
    v->scale[f] = (uint8_t)(sum >> 16);
}

static int32_t mean_of(int32_t sum, uint32_t count) {
    return divide(sum * (1 << SUM_SHIFT), (int32_t)count);
}

static void collect(const tp_drift_config *config, const view *v,
                    const int8_t *x, uint32_t label) {
    const uint32_t n = v->count[label];
    const bool measure = measuring(config, v) && n >= CLASS_LEAST;
    int16_t *sum = v->mean + (size_t)label * config->features;
    for (uint32_t f = 0; f < config->features; f++) {
        const int32_t at = feature(&config->sum[f], x);
        if (measure) {
            add_spread(v, f, at - mean_of(sum[f], n));
        }
        if (n < SUM_MOST) {
            const int32_t more = sum[f] + divide(at, 1 << SUM_SHIFT);
            sum[f] = (int16_t)tp_clamp32(more, INT16_MIN, INT16_MAX);
        }
    }
    v->count[label] = (uint8_t)(n + (n < SUM_MOST ? 1u : 0u));
}

/* 1 / sigma of a mean deviation in 2^-6, as z = e (8 + m) 2^(shift - 9) for e
 * in 2^-6 and z in 2^-10 sigma: the byte is 8 shift + m. Of a Gaussian the mean
 * deviation is 0.798 sigma, and 2^10 / 2^6 * 0.798 * 2^6 = 817. */
static uint8_t units(uint32_t deviation) {
    const uint32_t most = deviation > SPREAD_LEAST ? deviation : SPREAD_LEAST;
    const uint32_t inverse = (UINT32_C(817) << 9) / most; /* 25..26,144 */
    uint32_t shift = 0;
    while ((inverse >> shift) >= 16) {
        shift++;
    }
    return (uint8_t)(shift << 3 | ((inverse >> shift) & 7u));
}

/* Sums of at most 2^10 margins are below 2^18, of their squares below 2^26. */
static void finish_margin(const tp_drift_config *config, head *h) {
    const uint32_t n = config->calibrate;
    const uint32_t mean = h->margin * 256u / n;
    const uint32_t square = h->spread * 64u / n;
    const uint32_t half = mean >> 5; /* 3 bits behind the point, square has 6 */
    const uint32_t deviation =
        square > half * half ? square_root(square - half * half) << 5 : 0;
    h->margin = mean;
    h->spread = deviation > MARGIN_LEAST ? deviation : MARGIN_LEAST;
}

static void finish(const tp_drift_config *config, const view *v) {
    const uint32_t features = config->features;
    for (uint32_t c = 0; c < config->classes; c++) {
        const uint32_t n = v->count[c];
        int16_t *mean = v->mean + (size_t)c * features;
        for (uint32_t f = 0; n >= CLASS_LEAST && f < features; f++) {
            mean[f] = (int16_t)mean_of(mean[f], n);
        }
    }
    for (uint32_t f = 0; f < features; f++) {
        v->scale[f] = units(spread_of(v, f) / (config->calibrate / 4u));
        v->ewma[f] = 0;
    }
    finish_margin(config, v->head);
}

static void calibrate(const tp_drift_config *config, const view *v,
                      const int8_t *x, uint32_t label, uint8_t margin) {
    if (label >= config->classes) {
        return;
    }
    const bool counts = !measuring(config, v) || known(v, label);
    collect(config, v, x, label);
    if (!counts) {
        return;
    }
    v->head->margin += margin;
    v->head->spread += (uint32_t)margin * margin;
    v->head->seen++;
    if (v->head->seen == config->calibrate) {
        finish(config, v);
    }
}

/* --- detection ------------------------------------------------------------ */

/* e is below 2^14, 8 + m below 2^4 and shift at most 11: 2^29. */
static int32_t in_sigmas(int32_t e, uint8_t scale) {
    const int32_t z = (e * (8 + (scale & 7)) * (1 << (scale >> 3))) >> 9;
    return tp_clamp32(z, -CLIP, CLIP);
}

/* A square is below 2^26: 64 of them, by 2^10, below 2^22. */
static void compare(const tp_drift_config *config, const view *v,
                    const int8_t *x, uint32_t label) {
    const int16_t *mean = v->mean + (size_t)label * config->features;
    uint32_t level = 0;
    for (uint32_t f = 0; f < config->features; f++) {
        const int32_t e = feature(&config->sum[f], x) - mean[f];
        const int32_t z = in_sigmas(e, v->scale[f]);
        const int32_t s = v->ewma[f] + divide(z - v->ewma[f], 1 << EWMA_SHIFT);
        v->ewma[f] = (int16_t)s;
        level += (uint32_t)(s * s) >> 10;
    }
    v->head->level = (uint16_t)(level < UINT16_MAX ? level : UINT16_MAX);
}

/* Half a deviation below the mean is not yet a lack. Margins are below 2^16
 * and 2^5 times that below 2^21. */
static void miss(head *h, uint8_t margin) {
    const int32_t below = (int32_t)h->margin - margin * 256;
    const int32_t lack = h->lack + divide(below * 32, (int32_t)h->spread) - 16;
    h->lack = (uint16_t)tp_clamp32(lack, 0, UINT16_MAX);
}

uint32_t tp_drift_sample(const tp_drift_config *config, void *state,
                         const int8_t *x, uint32_t label, uint8_t margin) {
    const view v = look(config, state);
    if (v.head->seen < config->calibrate) {
        calibrate(config, &v, x, label, margin);
        return TP_DRIFT_CALIBRATING;
    }
    if (label < config->classes && known(&v, label)) {
        compare(config, &v, x, label);
    }
    miss(v.head, margin);
    return (v.head->level > config->changed ? TP_DRIFT_CHANGED : 0u) |
           (v.head->lack > config->harmful ? TP_DRIFT_HARMFUL : 0u);
}

uint32_t tp_drift_level(const void *state) {
    const head *h = state;
    return h->level;
}

uint32_t tp_drift_margin_level(const void *state) {
    const head *h = state;
    return h->lack;
}

uint8_t tp_drift_margin(const int8_t *y, uint32_t n, uint32_t *label) {
    uint32_t best = 0;
    int32_t second = n > 1 ? INT8_MIN : y[0];
    for (uint32_t i = 1; i < n; i++) {
        if (y[i] > y[best]) {
            second = y[best];
            best = i;
        } else if (y[i] > second) {
            second = y[i];
        }
    }
    *label = best;
    return (uint8_t)(y[best] - second);
}
