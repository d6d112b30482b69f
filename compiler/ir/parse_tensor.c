/* Declarations of tensors in the text form, and the data of constants. */
#include <string.h>

#include "compiler/ir/parse.h"
#include "compiler/ir/text.h"

/* --- declarations --------------------------------------------------------- */

tp_status tp_parse_dtype(tp_parser *p, tp_dtype *dtype) {
    const tp_span s = tp_lex_word(&p->lex);
    for (int i = 0; i < TP_DTYPE_COUNT; i++) {
        if (tp_lex_is(s, tp_dtype_name((tp_dtype)i))) {
            *dtype = (tp_dtype)i;
            return TP_OK;
        }
    }
    return tp_lex_fail(&p->lex, s.at,
                       "expected a type: s8 u8 s16 s32 f32 bits q8 q16 q32");
}

/* [1,4,4,2]; at most 2^31 - 1 elements, so that no later product overflows. */
static tp_status shape(tp_parser *p, tp_tensor *t) {
    int64_t count = 1;
    TP_TRY(tp_lex_expect(&p->lex, '['));
    while (!tp_lex_accept(&p->lex, ']')) {
        if (t->rank > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        const char *where = tp_lex_next(&p->lex);
        if (t->rank == TP_MAX_RANK) {
            return tp_lex_fail(&p->lex, where, "expected at most %d dimensions",
                               TP_MAX_RANK);
        }
        int64_t dim = 0;
        TP_TRY(tp_lex_integer(&p->lex, 1, INT32_MAX, &dim));
        count *= dim; /* < 2^62 */
        if (count > INT32_MAX) {
            return tp_lex_fail(&p->lex, where, "more than 2147483647 elements");
        }
        t->dim[t->rank++] = (int32_t)dim;
    }
    return TP_OK;
}

/* After "qc(": the axis and a scale for each index along it. */
static tp_status channels(tp_parser *p, tp_tensor *t) {
    int64_t axis = 0;
    const char *where = tp_lex_next(&p->lex);
    TP_TRY(tp_lex_integer(&p->lex, 0, TP_MAX_RANK - 1, &axis));
    if (axis >= t->rank) {
        return tp_lex_fail(&p->lex, where, "expected an axis of the shape");
    }
    TP_TRY(tp_lex_expect(&p->lex, ';'));
    const int32_t n = t->dim[axis];
    where = tp_lex_next(&p->lex);
    if (n > (p->lex.end - where) / 2) { /* a digit and a comma each */
        return tp_lex_fail(&p->lex, where, "expected %d scales", (int)n);
    }
    float *scale = tp_arena_alloc(p->lex.arena, (size_t)n, sizeof *scale);
    if (scale == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    for (int32_t c = 0; c < n; c++) {
        if (c > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        TP_TRY(tp_lex_float(&p->lex, &scale[c]));
    }
    t->quant =
        (tp_quant){.n = (int)n, .scale = scale, .axis = n > 1 ? (int)axis : 0};
    return tp_lex_expect(&p->lex, ')');
}

/* After "q(". */
static tp_status one_scale(tp_parser *p, tp_tensor *t) {
    float *scale = tp_arena_alloc(p->lex.arena, 1, sizeof *scale);
    if (scale == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    t->quant = (tp_quant){.n = 1, .scale = scale};
    TP_TRY(tp_lex_float(&p->lex, scale));
    TP_TRY(tp_lex_expect(&p->lex, ','));
    TP_TRY(tp_lex_int32(&p->lex, &t->quant.zero_point));
    return tp_lex_expect(&p->lex, ')');
}

static tp_status quant(tp_parser *p, tp_tensor *t) {
    const char *before = p->lex.at;
    const tp_span s = tp_lex_word(&p->lex);
    if (tp_lex_is(s, "q") && tp_lex_accept(&p->lex, '(')) {
        return one_scale(p, t);
    }
    if (tp_lex_is(s, "qc") && tp_lex_accept(&p->lex, '(')) {
        return channels(p, t);
    }
    p->lex.at = before;
    return TP_OK;
}

/* Of the ranks. */
static tp_status axis_of(tp_parser *p, tp_tensor *t) {
    int64_t axis = 0;
    TP_TRY(tp_lex_integer(&p->lex, 0, t->rank > 0 ? t->rank - 1 : 0, &axis));
    t->quant.axis = (int)axis;
    return TP_OK;
}

/* axis=1 init=gauss std=0.5, or param=%3 unit=0.25, or unit=0.25 */
static tp_status trainable(tp_parser *p, tp_tensor *t) {
    for (tp_span s = tp_lex_key(&p->lex); s.n != 0; s = tp_lex_key(&p->lex)) {
        if (t->role == TP_PARAM && tp_lex_is(s, "init")) {
            const tp_span v = tp_lex_word(&p->lex);
            if (!tp_lex_is(v, "gauss") && !tp_lex_is(v, "zero")) {
                return tp_lex_fail(&p->lex, v.at, "expected gauss or zero");
            }
            t->train.init =
                tp_lex_is(v, "gauss") ? TP_INIT_GAUSS : TP_INIT_ZERO;
        } else if (t->role == TP_PARAM && tp_lex_is(s, "axis")) {
            TP_TRY(axis_of(p, t));
        } else if (t->role == TP_PARAM && tp_lex_is(s, "std")) {
            TP_TRY(tp_lex_double(&p->lex, &t->train.init_std));
        } else if (t->role == TP_PARAM && tp_lex_is(s, "limit")) {
            TP_TRY(tp_lex_int32(&p->lex, &t->train.limit));
        } else if (t->role == TP_GRAD && tp_lex_is(s, "param")) {
            TP_TRY(tp_parse_reference(p, true, &t->train.param));
        } else if (t->role != TP_PARAM && tp_lex_is(s, "unit")) {
            TP_TRY(tp_lex_double(&p->lex, &t->train.unit));
        } else {
            return tp_lex_fail(&p->lex, s.at, "expected %s",
                               t->role == TP_PARAM  ? "init=, std= or axis="
                               : t->role == TP_GRAD ? "param= or unit="
                                                    : "unit=");
        }
    }
    return TP_OK;
}

/* --- data ----------------------------------------------------------------- */

static void store(uint8_t *data, size_t i, size_t size, uint32_t bits) {
    uint8_t *to = data + i * size;
    const uint16_t half = (uint16_t)bits;
    if (size == 1) {
        *to = (uint8_t)bits;
    } else if (size == 2) {
        memcpy(to, &half, sizeof half);
    } else {
        memcpy(to, &bits, sizeof bits);
    }
}

/* One element as a number of its type's range. */
static tp_status element(tp_parser *p, tp_dtype dtype, uint32_t *bits) {
    if (dtype == TP_F32) {
        float x = 0.0F;
        TP_TRY(tp_lex_float(&p->lex, &x));
        memcpy(bits, &x, sizeof x);
        return TP_OK;
    }
    const int width = 8 * (int)tp_dtype_bytes(dtype);
    const int64_t lo = dtype == TP_U8 ? 0 : -(INT64_C(1) << (width - 1));
    int64_t v = 0;
    TP_TRY(tp_lex_integer(&p->lex, lo, lo + (INT64_C(1) << width) - 1, &v));
    *bits = (uint32_t)v;
    return TP_OK;
}

static tp_status list(tp_parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *where = tp_lex_next(&p->lex);
        if (*where == ']') {
            return tp_lex_fail(&p->lex, where,
                               "expected %zu elements, found %zu", n, i);
        }
        if (i > 0) {
            TP_TRY(tp_lex_expect(&p->lex, ','));
        }
        uint32_t bits = 0;
        TP_TRY(element(p, dtype, &bits));
        store(data, i, tp_text_word(dtype), bits);
    }
    return tp_lex_expect(&p->lex, ']');
}

static tp_status fill(tp_parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    uint32_t bits = 0;
    TP_TRY(tp_lex_expect(&p->lex, '('));
    TP_TRY(element(p, dtype, &bits));
    for (size_t i = 0; i < n; i++) {
        store(data, i, tp_text_word(dtype), bits);
    }
    return tp_lex_expect(&p->lex, ')');
}

static tp_status hex(tp_parser *p, tp_dtype dtype, uint8_t *data, size_t n) {
    const size_t size = tp_text_word(dtype);
    TP_TRY(tp_lex_hex(&p->lex, data, n * size));
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        for (size_t k = 0; k < size; k++) {
            bits |= (uint32_t)data[i * size + k] << (8 * k);
        }
        store(data, i, size, bits);
    }
    return TP_OK;
}

/* After the '='. Memory is asked for only where the text can be long enough
 * to fill it. */
static tp_status contents(tp_parser *p, tp_tensor *t) {
    const size_t bytes = tp_tensor_bytes(t);
    const size_t n = bytes / tp_text_word(t->dtype);
    const bool numbers = tp_text_numbers(t->dtype);
    const bool listed = numbers && tp_lex_accept(&p->lex, '[');
    const tp_span s = listed ? (tp_span){p->lex.at, 0} : tp_lex_word(&p->lex);
    const bool filled = numbers && tp_lex_is(s, "fill");
    if (!listed && !filled && !tp_lex_is(s, "hex")) {
        return tp_lex_fail(&p->lex, s.at,
                           numbers ? "expected [, fill or hex"
                                   : "expected hex: the type has a header");
    }
    if (filled && bytes > TP_TEXT_FILL_ALL - p->filled) {
        return tp_lex_fail(&p->lex, s.at, "more than %zu bytes of fill()",
                           TP_TEXT_FILL_ALL);
    }
    const size_t left = (size_t)(p->lex.end - p->lex.at);
    if (!filled && (listed ? n : bytes) > left / 2) {
        return tp_lex_fail(&p->lex, s.at,
                           "expected %zu elements: the text ends before", n);
    }
    uint8_t *data = tp_arena_alloc(p->lex.arena, bytes, 1);
    if (data == NULL) {
        return tp_no_memory(p->lex.diag);
    }
    t->data = data;
    if (filled) {
        p->filled += bytes;
        return fill(p, t->dtype, data, n);
    }
    return listed ? list(p, t->dtype, data, n) : hex(p, t->dtype, data, n);
}

/* Kept with the sample. */
static bool latent(tp_parser *p) {
    const char *before = p->lex.at;
    const bool is = tp_lex_is(tp_lex_word(&p->lex), "latent");
    p->lex.at = is ? p->lex.at : before;
    return is;
}

tp_status tp_parse_tensor(tp_parser *p, tp_tensor *t) {
    TP_TRY(tp_parse_dtype(p, &t->dtype));
    TP_TRY(shape(p, t));
    TP_TRY(quant(p, t));
    if (t->role == TP_PARAM || t->role == TP_GRAD ||
        (t->role == TP_VALUE && t->dtype == TP_Q32)) {
        TP_TRY(trainable(p, t));
    }
    t->latent = t->role == TP_VALUE && latent(p);
    return t->role == TP_CONST && tp_lex_accept(&p->lex, '=') ? contents(p, t)
                                                              : TP_OK;
}
