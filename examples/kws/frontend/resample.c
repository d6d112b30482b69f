#include "examples/kws/frontend/resample.h"

#include "examples/kws/frontend/mfcc_tables.h"

enum { SIDE_TAPS = 10 }; /* on each side of an odd sample */

static int32_t at(const int16_t *x, int32_t length, int32_t i) {
    return i >= 0 && i < length ? x[i] : 0;
}

/* |result| <= 2^15 * 2 * sum |tap| = 2^15 * 36716 = 2^30.2: fits. */
static int32_t between(const int16_t *x, int32_t length, int32_t i) {
    int32_t sum = 0;
    for (int32_t n = 0; n < SIDE_TAPS; n++) {
        const int32_t pair = at(x, length, i - n) + at(x, length, i + 1 + n);
        sum += interpolator_q14[1 + n] * pair;
    }
    return sum;
}

int32_t kws_resample_2x(const int16_t *x, int32_t length, int32_t t) {
    if (t < 0 || t >= 2 * length) {
        return 0; /* the filter would ring on; the recipe cuts it off */
    }
    const int32_t i = t / 2;
    return t % 2 != 0 ? between(x, length, i) : interpolator_q14[0] * x[i];
}
