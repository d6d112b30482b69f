#include "cli/npy.h"

#include <string.h>

typedef struct type_row {
    const char *descr; /* as the header has it, without the byte order */
    const char *name;
    size_t bytes;
} type_row;

/* In the order of tp_npy_type. */
static const type_row types[TP_NPY_TYPE_COUNT] = {
    {"i1", "int8", 1},    {"u1", "uint8", 1},  {"i2", "int16", 2},
    {"u2", "uint16", 2},  {"i4", "int32", 4},  {"u4", "uint32", 4},
    {"i8", "int64", 8},   {"u8", "uint64", 8}, {"f4", "float32", 4},
    {"f8", "float64", 8},
};

static const uint8_t magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

const char *tp_npy_type_name(tp_npy_type type) {
    return types[type].name;
}

size_t tp_npy_type_bytes(tp_npy_type type) {
    return types[type].bytes;
}

bool tp_npy_is(const uint8_t *bytes, size_t n) {
    return n >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* --- the header: a Python dictionary of three known keys -------------------
 */

typedef struct reader {
    const char *at;
    const char *end;
    const char *name;
    tp_diag *diag;
} reader;

static tp_status malformed(const reader *r, const char *what) {
    return tp_error(r->diag, TP_ERR_MALFORMED, "%s: .npy header: %s", r->name,
                    what);
}

static void skip_space(reader *r) {
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\n' || *r->at == '\t')) {
        r->at++;
    }
}

/* Skips white space, then the character if it is there. */
static bool accept(reader *r, char c) {
    skip_space(r);
    if (r->at < r->end && *r->at == c) {
        r->at++;
        return true;
    }
    return false;
}

static bool accept_word(reader *r, const char *word) {
    const size_t n = strlen(word);
    skip_space(r);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

/* A string in either kind of quotes, without escapes. */
static tp_status take_string(reader *r, char *text, size_t capacity) {
    const char quote = accept(r, '\'') ? '\'' : '"';
    if (quote == '"' && !accept(r, '"')) {
        return malformed(r, "a string is expected");
    }
    size_t n = 0;
    while (r->at < r->end && *r->at != quote) {
        if (n + 1 == capacity) {
            return malformed(r, "a string is too long");
        }
        text[n++] = *r->at++;
    }
    text[n] = '\0';
    return accept(r, quote) ? TP_OK : malformed(r, "a string does not end");
}

static tp_status take_type(reader *r, tp_npy *out) {
    char text[16];
    if (accept(r, '[')) {
        return tp_error(r->diag, TP_ERR_UNSUPPORTED,
                        "%s: records; only plain number types are read",
                        r->name);
    }
    TP_TRY(take_string(r, text, sizeof text));
    for (int i = 0; i < TP_NPY_TYPE_COUNT; i++) {
        const bool order =
            text[0] == '<' || (types[i].bytes == 1 && text[0] == '|');
        if (order && strcmp(text + 1, types[i].descr) == 0) {
            out->type = (tp_npy_type)i;
            return TP_OK;
        }
    }
    return tp_error(r->diag, TP_ERR_UNSUPPORTED,
                    "%s: type '%s'; read are |i1 |u1 <i2 <u2 <i4 <u4 <i8 <u8 "
                    "<f4 <f8",
                    r->name, text);
}

static tp_status take_order(reader *r) {
    if (accept_word(r, "False")) {
        return TP_OK;
    }
    if (accept_word(r, "True")) {
        return tp_error(r->diag, TP_ERR_UNSUPPORTED,
                        "%s: in Fortran order; save numpy.ascontiguousarray(a)",
                        r->name);
    }
    return malformed(r, "fortran_order is neither True nor False");
}

static tp_status take_number(reader *r, size_t *out) {
    size_t value = 0;
    skip_space(r);
    if (r->at == r->end || *r->at < '0' || *r->at > '9') {
        return malformed(r, "a number is expected in the shape");
    }
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
        const size_t digit = (size_t)(*r->at - '0');
        if (value > (SIZE_MAX - digit) / 10) {
            return malformed(r, "a dimension is too large");
        }
        value = value * 10 + digit;
        r->at++;
    }
    *out = value;
    return TP_OK;
}

static tp_status take_shape(reader *r, tp_npy *out) {
    out->rank = 0;
    if (!accept(r, '(')) {
        return malformed(r, "the shape is no tuple");
    }
    while (!accept(r, ')')) {
        if (out->rank == TP_NPY_MAX_RANK) {
            return malformed(r, "more than 8 dimensions");
        }
        TP_TRY(take_number(r, &out->dim[out->rank]));
        out->rank++;
        if (!accept(r, ',')) {
            return accept(r, ')') ? TP_OK
                                  : malformed(r, "the shape does not end");
        }
    }
    return TP_OK;
}

static tp_status take_pair(reader *r, tp_npy *out, unsigned *seen) {
    char key[32];
    TP_TRY(take_string(r, key, sizeof key));
    if (!accept(r, ':')) {
        return malformed(r, "a colon is missing");
    }
    const unsigned bit = strcmp(key, "descr") == 0           ? 1u
                         : strcmp(key, "fortran_order") == 0 ? 2u
                         : strcmp(key, "shape") == 0         ? 4u
                                                             : 0u;
    if (bit == 0 || (*seen & bit) != 0) {
        return malformed(r, "a key is unknown or stands twice");
    }
    *seen |= bit;
    if (bit == 1u) {
        return take_type(r, out);
    }
    return bit == 2u ? take_order(r) : take_shape(r, out);
}

static tp_status take_header(reader *r, tp_npy *out) {
    unsigned seen = 0;
    if (!accept(r, '{')) {
        return malformed(r, "is no dictionary");
    }
    while (!accept(r, '}')) {
        TP_TRY(take_pair(r, out, &seen));
        if (!accept(r, ',')) {
            if (!accept(r, '}')) {
                return malformed(r, "does not end");
            }
            break;
        }
    }
    skip_space(r);
    if (seen != 7u || r->at != r->end) {
        return malformed(r, seen != 7u ? "descr, fortran_order or shape is "
                                         "missing"
                                       : "goes on after its end");
    }
    return TP_OK;
}

/* --- the file ------------------------------------------------------------- */

/* Where the header's text lies; version 1 has 2 bytes of length, version 2
 * has 4, both little-endian. */
static tp_status find_header(tp_diag *diag, const char *name,
                             const uint8_t *bytes, size_t n, reader *out) {
    if (!tp_npy_is(bytes, n) || n < 10) {
        return tp_error(diag, TP_ERR_MALFORMED, "%s: not a .npy file", name);
    }
    const int version = bytes[6];
    if (version != 1 && version != 2) {
        return tp_error(diag, TP_ERR_UNSUPPORTED,
                        "%s: .npy version %d; read are 1 and 2", name, version);
    }
    const size_t start = version == 1 ? 10 : 12;
    if (n < start) {
        return tp_error(diag, TP_ERR_TRUNCATED, "%s: ends in its header", name);
    }
    size_t length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (version == 2) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    }
    if (length > n - start) {
        return tp_error(diag, TP_ERR_TRUNCATED, "%s: ends in its header", name);
    }
    const char *text = (const char *)bytes + start;
    *out = (reader){text, text + length, name, diag};
    return TP_OK;
}

/* The product of the dimensions; it must be exactly what is there, which also
 * bounds it: count * bytes <= available. */
static tp_status check_size(const reader *r, size_t available, tp_npy *out) {
    const size_t bytes = types[out->type].bytes;
    size_t count = 1;
    bool empty = false;
    for (int i = 0; i < out->rank; i++) {
        empty = empty || out->dim[i] == 0;
    }
    for (int i = 0; i < out->rank && !empty; i++) {
        if (out->dim[i] > available / bytes / count) {
            return tp_error(r->diag, TP_ERR_TRUNCATED,
                            "%s: has fewer bytes than its shape needs",
                            r->name);
        }
        count *= out->dim[i];
    }
    out->count = empty ? 0 : count;
    if (out->count > available / bytes) {
        return tp_error(r->diag, TP_ERR_TRUNCATED,
                        "%s: has fewer bytes than its shape needs", r->name);
    }
    if (out->count * bytes != available) {
        return tp_error(r->diag, TP_ERR_MALFORMED,
                        "%s: has %zu bytes after the array", r->name,
                        available - out->count * bytes);
    }
    return TP_OK;
}

tp_status tp_npy_read(tp_diag *diag, const char *name, const uint8_t *bytes,
                      size_t n, tp_npy *out) {
    reader r = {NULL, NULL, name, diag};
    tp_npy array = {.type = TP_NPY_I1};
    TP_TRY(find_header(diag, name, bytes, n, &r));
    array.data = (const uint8_t *)r.end;
    TP_TRY(take_header(&r, &array));
    TP_TRY(check_size(&r, (size_t)(bytes + n - array.data), &array));
    *out = array;
    return TP_OK;
}

/* --- elements ------------------------------------------------------------- */

/* The bytes are read one by one: right on any host, aligned or not. */
static uint64_t little_endian(const uint8_t *p, size_t n) {
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++) {
        value |= (uint64_t)p[i] << (8 * i);
    }
    return value;
}

/* Two's complement of `bytes` bytes, as a real number. */
static double signed_value(uint64_t bits, size_t bytes) {
    const uint64_t top = UINT64_C(1) << (8 * bytes - 1);
    return (bits & top) == 0 ? (double)bits
                             : -(double)(((~bits) & (top - 1)) + 1);
}

static double float_value(uint64_t bits) {
    const uint32_t narrow = (uint32_t)bits;
    float value;
    memcpy(&value, &narrow, sizeof value);
    return (double)value;
}

double tp_npy_value(const tp_npy *array, size_t i) {
    const size_t bytes = types[array->type].bytes;
    const uint64_t bits = little_endian(array->data + i * bytes, bytes);
    double value;
    switch (array->type) {
    case TP_NPY_F4:
        return float_value(bits);
    case TP_NPY_F8:
        memcpy(&value, &bits, sizeof value);
        return value;
    case TP_NPY_I1:
    case TP_NPY_I2:
    case TP_NPY_I4:
    case TP_NPY_I8:
        return signed_value(bits, bytes);
    case TP_NPY_U1:
    case TP_NPY_U2:
    case TP_NPY_U4:
    case TP_NPY_U8:
    case TP_NPY_TYPE_COUNT:
        break;
    }
    return (double)bits;
}

const char *tp_npy_shape(tp_arena *arena, const tp_npy *array) {
    const char *text = "(";
    for (int i = 0; i < array->rank && text != NULL; i++) {
        text = tp_arena_printf(arena, "%s%s%zu", text, i > 0 ? ", " : "",
                               array->dim[i]);
    }
    text = text != NULL ? tp_arena_printf(arena, "%s)", text) : NULL;
    return text != NULL ? text : "(?)";
}
