/* Every function here answers for x, the input less its zero point, with the
 * output before it is cut to the output's type, so that the caller sees where
 * it is cut. BELOW and ABOVE stand for "held at the end of the range".
 *
 * Source: TensorFlow Lite Micro's reference kernels. Quotients of scales are
 * double. (In LEAKY_RELU and HARD_SWISH they are so since October 2026. In
 * float, as before, they differ in the last bits; that changes a byte only
 * where an exact result would be a tie.) */
#include "compiler/ops/lut_tables.h"

#include <math.h>

#include "compiler/ops/opdef.h"
#include "runtime/kernels/ref/fixed_exp.h"

#define BELOW INT32_MIN
#define ABOVE INT32_MAX

/* x * f with two roundings; |x| <= 255, 0 <= f < 2^22 keep 32 bits. */
static int32_t scaled(int32_t x, double f) {
    const tp_factor k = tp_factor_of(f);
    return tp_mbqm(x, k.m, k.s);
}

static double ratio(const tp_lut_fn *fn) {
    return (double)fn->x_scale / (double)fn->y_scale;
}

static int32_t quantize(const tp_lut_fn *fn, int32_t x) {
    return fn->y_zp + scaled(x, ratio(fn));
}

/* Zero and below count as held. */
static int32_t relu(const tp_lut_fn *fn, int32_t x) {
    return fn->y_zp + (x > 0 ? scaled(x, ratio(fn)) : 0);
}

/* Bytes are clamped between 0 and 6 of the input's scale and not requantised,
 * even where the output has another scale. */
static int32_t relu6(const tp_lut_fn *fn, int32_t x) {
    const int32_t byte = x + fn->x_zp;
    const float steps = 6.0f / fn->x_scale; /* rounded to float here */
    const float six = roundf(steps);
    if (x <= 0) {
        return fn->x_zp;
    }
    return (float)x > six ? fn->x_zp + (int32_t)six : byte;
}

static int32_t leaky_relu(const tp_lut_fn *fn, int32_t x) {
    const double below =
        (double)fn->x_scale * (double)fn->alpha / (double)fn->y_scale;
    return fn->y_zp + scaled(x, x >= 0 ? ratio(fn) : below);
}

/* x in Q4, the input of LOGISTIC and TANH; BELOW or ABOVE where the original
 * takes the end of the range without looking. |x| < radius keeps
 * |x| * 2^s < 15 * 2^27 < 2^31. */
static int32_t to_q4(const tp_lut_fn *fn, int32_t x) {
    int s = 0;
    const double q = frexp((double)fn->x_scale * (double)(1 << 27), &s);
    const int32_t m = (int32_t)llround(q * (double)(INT64_C(1) << 31));
    const double most = 15.0 * (double)(1 << 27) / (double)(INT64_C(1) << s);
    const int32_t radius = (int32_t)floor(most);
    if (x <= -radius) {
        return BELOW;
    }
    return x >= radius ? ABOVE : tp_mbqm(x, m, s);
}

/* 1 / (1 + e^-a), Q4 to Q0. */
static int32_t sigmoid(int32_t a) {
    if (a == 0) {
        return 1 << 30;
    }
    const int32_t y =
        tp_reciprocal_one_plus(tp_exp_negative(a > 0 ? -a : a, 4));
    return a > 0 ? y : INT32_MAX - y;
}

static int32_t logistic(const tp_lut_fn *fn, int32_t x) {
    const int32_t a = to_q4(fn, x);
    return a == BELOW || a == ABOVE ? a : tp_rdbpot(sigmoid(a), 23) - 128;
}

/* (1 - e^-2|a|) / (1 + e^-2|a|), Q4 to Q0, with the sign of a. With e = 1 the
 * quotient would not be 0 exactly, hence the first case. The same bits read
 * as Q5 are 2a; (1 - e) / (1 + e) = 2 / (1 + e) - 1. */
static int32_t tangent(int32_t a) {
    if (a == 0) {
        return 0;
    }
    const int32_t e = tp_exp_negative(a < 0 ? a : -a, 5);
    const int32_t y = tp_shl_sat(tp_reciprocal_newton(e) - (1 << 29), 2);
    return a < 0 ? -y : y;
}

static int32_t hyperbolic(const tp_lut_fn *fn, int32_t x) {
    const int32_t a = to_q4(fn, x);
    return a == BELOW || a == ABOVE ? a : tp_rdbpot(tangent(a), 24);
}

/* --- HARD_SWISH: int16 arithmetic ----------------------------------------- */

/* m * 2^(e-15), m in [2^14, 2^15). */
typedef struct factor16 {
    int32_t m;
    int e;
} factor16;

static factor16 factor16_of(double f) {
    const tp_factor k = tp_factor_of(f);
    const int64_t m = ((int64_t)k.m + (1 << 15)) >> 16;
    return (factor16){m > INT16_MAX ? INT16_MAX : (int32_t)m, k.s};
}

/* s_x / 128 in units of s_y, and of 3 / 2^15: x * 2^7 times these is x on the
 * output's scale, and x with 3.0 at 2^15. */
static factor16 swish_output(const tp_lut_fn *fn) {
    return factor16_of((double)fn->x_scale / 128.0 / (double)fn->y_scale);
}

static factor16 swish_relu(const tp_lut_fn *fn) {
    return factor16_of((double)fn->x_scale / 128.0 / (3.0 / 32768.0));
}

static int32_t sat16(int64_t x) {
    return x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : (int32_t)x;
}

/* round(a * b / 2^15), halves up; never both -2^15: b is positive. */
static int32_t mul16(int32_t a, int32_t b) {
    return (a * b + (1 << 14)) >> 15;
}

/* x with 3.0 at 2^15, saturated, moved from [-1, 1) to [0, 1). A left shift
 * is done in two steps, so that it saturates only once the product is
 * known. */
static int32_t gate(const factor16 *f, int32_t fine) {
    int32_t v = fine;
    if (f->e > 0) {
        v = sat16((int64_t)v * (INT64_C(1) << (f->e - 1)));
    }
    v = mul16(v, f->m);
    if (f->e > 0) {
        v = sat16((int64_t)v * 2);
    } else {
        v = tp_rdbpot(v, -f->e);
    }
    return (v + (1 << 15)) >> 1;
}

static int32_t hard_swish(const tp_lut_fn *fn, int32_t x) {
    const factor16 out = swish_output(fn);
    const factor16 relu = swish_relu(fn);
    const int32_t fine = x * 128; /* |x| <= 255: within int16 */
    /* The quotient truncates: with rounding, the two roundings before it
     * would add up to a bias. */
    const int32_t product = gate(&relu, fine) * mul16(fine, out.m) / (1 << 15);
    return fn->y_zp + tp_rdbpot(product, -out.e);
}

/* --- the tables ----------------------------------------------------------- */

static int32_t answer(const tp_lut_fn *fn, int32_t x) {
    switch ((int)fn->kind) {
    case TP_OP_RELU:
        return relu(fn, x);
    case TP_OP_RELU6:
        return relu6(fn, x);
    case TP_OP_LEAKY_RELU:
        return leaky_relu(fn, x);
    case TP_OP_LOGISTIC:
        return logistic(fn, x);
    case TP_OP_TANH:
        return hyperbolic(fn, x);
    case TP_OP_HARD_SWISH:
        return hard_swish(fn, x);
    default:
        return quantize(fn, x);
    }
}

/* Held by the function's own corners; beyond the output's type is seen from
 * the answer. */
static bool held(const tp_lut_fn *fn, int32_t x) {
    if (fn->kind == TP_OP_RELU) {
        return x <= 0;
    }
    return fn->kind == TP_OP_RELU6 &&
           (x <= 0 || (double)x * (double)fn->x_scale >= 6.0);
}

void tp_lut_table(const tp_lut_fn *fn, uint8_t table[256], bool pass[256]) {
    const int32_t first = fn->x_unsigned ? 0 : -128;
    const int32_t lo = fn->y_unsigned ? 0 : -128;
    for (int32_t i = first; i < first + 256; i++) {
        const int32_t x = i - fn->x_zp;
        const int32_t y = answer(fn, x);
        const int32_t cut = tp_max32(lo, tp_min32(y, lo + 255));
        table[(uint8_t)i] = (uint8_t)cut;
        pass[(uint8_t)i] = cut == y && !held(fn, x);
    }
}

static double derivative(const tp_lut_fn *fn, double x) {
    const double alpha = (double)fn->alpha;
    switch ((int)fn->kind) {
    case TP_OP_RELU6:
        return alpha;
    case TP_OP_LEAKY_RELU:
        return x < 0.0 ? alpha : 1.0;
    case TP_OP_LOGISTIC:
        return 1.0 / ((1.0 + exp(-x)) * (1.0 + exp(x)));
    case TP_OP_TANH:
        return 1.0 - tanh(x) * tanh(x);
    case TP_OP_HARD_SWISH:
        return x <= -3.0 ? 0.0 : x >= 3.0 ? 1.0 : (2.0 * x + 3.0) / 6.0;
    default:
        return 1.0;
    }
}

void tp_lut_slope(const tp_lut_fn *fn, const bool pass[256],
                  int16_t slope[256]) {
    const int32_t first = fn->x_unsigned ? 0 : -128;
    for (int32_t i = first; i < first + 256; i++) {
        const double x = (double)fn->x_scale * (double)(i - fn->x_zp);
        const double d = pass[(uint8_t)i] ? derivative(fn, x) : 0.0;
        slope[(uint8_t)i] = (int16_t)lround(
            fmax(INT16_MIN, fmin(INT16_MAX, d * (double)(1 << 14))));
    }
}

static const char *refuse_q4(const tp_lut_fn *fn) {
    const bool sigmoid_like = fn->kind == TP_OP_LOGISTIC;
    const float scale = sigmoid_like ? 1.0f / 256.0f : 1.0f / 128.0f;
    if (fn->y_scale < scale || fn->y_scale > scale ||
        fn->y_zp != (sigmoid_like ? -128 : 0)) {
        return sigmoid_like
                   ? "the output must have scale 1/256 and zero point -128"
                   : "the output must have scale 1/128 and zero point 0";
    }
    /* keeps the shift of to_q4() in [0, 62] */
    return fn->x_scale >= 0x1p-28f && fn->x_scale < 0x1p30f
               ? NULL
               : "the input's scale is out of range";
}

static const char *refuse_swish(const tp_lut_fn *fn) {
    const int out = swish_output(fn).e;
    const int relu = swish_relu(fn).e;
    if (out > 0 || out < -15) {
        return "s_x / s_y must be in [2^-9, 2^7)";
    }
    return relu >= -15 && relu <= 30 ? NULL
                                     : "the input's scale is out of range";
}

const char *tp_lut_refusal(const tp_lut_fn *fn) {
    const bool finite_scales = fn->x_scale > 0.0f && fn->y_scale > 0.0f &&
                               isfinite(fn->x_scale) && isfinite(fn->y_scale);
    if (!finite_scales || !isfinite(fn->alpha)) {
        return "a scale is not a positive number";
    }
    if (fn->kind == TP_OP_LOGISTIC || fn->kind == TP_OP_TANH) {
        return refuse_q4(fn);
    }
    if (fn->kind == TP_OP_HARD_SWISH) {
        return refuse_swish(fn);
    }
    if (fn->alpha < 0.0f) { /* versions of the original round differently */
        return "alpha must not be negative";
    }
    /* 255 * 2^22 < 2^31; RELU6 needs 6 / s_x as an int32 */
    return ratio(fn) < 0x1p22 && ratio(fn) * (double)fn->alpha < 0x1p22 &&
                   fn->x_scale > 0x1p-28f
               ? NULL
               : "s_x / s_y is out of range";
}
