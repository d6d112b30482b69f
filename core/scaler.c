#include "core/scaler.h"

/* |x * 2^up| < 2^31 below the limit. Without a shift it is 2^30, so that twice
 * of it fits 32 bits. Beyond 62 places all products round to 0, and 31 more
 * places of an upper word below 2^30 do that too. */
tp_scaler tp_scaler_of(int32_t m, int n) {
    const int up = n < 33 ? 33 - n : 0;
    const int down = n < 33 ? 0 : n - 33;
    return (tp_scaler){.m = m,
                       .n = n,
                       .limit = up > 31  ? 0
                                : up > 0 ? UINT32_C(1) << (31 - up)
                                         : UINT32_C(1) << 30,
                       .up = tp_min32(up, 31),
                       .down = tp_min32(down, 31)};
}

tp_scaler tp_scaler_of_bfp(tp_bfp factor, int bits) {
    return tp_scaler_of((int32_t)(factor.m >> 1), -1 - factor.e - bits);
}

int32_t tp_shift_round_far(int64_t x, int n) {
    return tp_shift_round(x, n);
}
