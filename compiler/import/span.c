#include "compiler/import/span.h"

#include <string.h>

#define HEADER 8 /* root offset and identifier: no object lies before */

static uint64_t load(const uint8_t *from, int width) {
    uint64_t value = 0;
    for (int i = width - 1; i >= 0; i--) {
        value = value << 8 | from[i];
    }
    return value;
}

/* Two's complement without a conversion that C leaves to the compiler. */
static int64_t to_signed(uint64_t value, int width) {
    const uint64_t sign = UINT64_C(1) << (8 * width - 1);
    if ((value & sign) == 0) {
        return (int64_t)value;
    }
    return -(int64_t)((sign - 1) - (value & (sign - 1))) - 1;
}

uint32_t tp_load_u32(const uint8_t *from) {
    return (uint32_t)load(from, 4);
}

int32_t tp_load_i32(const uint8_t *from) {
    return (int32_t)to_signed(load(from, 4), 4);
}

static float load_f32(const uint8_t *from) {
    const uint32_t bits = tp_load_u32(from);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool tp_span_holds(const tp_span *span, uint64_t at, uint64_t n) {
    return at <= span->n && n <= span->n - at;
}

static void fail(tp_span *span, tp_status status, const char *what,
                 uint64_t at) {
    if (span->status == TP_OK) {
        span->status = status;
        span->what = what;
        span->at = (size_t)at;
    }
}

static tp_table table_at(tp_span *span, uint64_t at) {
    const tp_table none = {0};
    if (at < HEADER || !tp_span_holds(span, at, 4)) {
        fail(span, TP_ERR_TRUNCATED, "a table lies outside the file", at);
        return none;
    }
    /* |offset| < 2^31 and at < 2^64 / 2: the difference does not wrap */
    const int64_t vtable = (int64_t)at - tp_load_i32(span->bytes + at);
    if (vtable < 4 || !tp_span_holds(span, (uint64_t)vtable, 4)) {
        fail(span, TP_ERR_TRUNCATED, "a vtable lies outside the file", at);
        return none;
    }
    const uint8_t *v = span->bytes + vtable;
    const tp_table table = {(size_t)at, (size_t)load(v + 2, 2), (size_t)vtable,
                            (size_t)load(v, 2)};
    if (table.vbytes < 4 || table.vbytes % 2 != 0 || table.bytes < 4) {
        fail(span, TP_ERR_MALFORMED, "a vtable has impossible sizes", at);
        return none;
    }
    if (!tp_span_holds(span, table.vtable, table.vbytes) ||
        !tp_span_holds(span, table.at, table.bytes)) {
        fail(span, TP_ERR_TRUNCATED, "a table ends past the file", at);
        return none;
    }
    return table;
}

tp_table tp_span_root(tp_span *span, const char *identifier) {
    const tp_table none = {0};
    if (!tp_span_holds(span, 0, HEADER)) {
        fail(span, TP_ERR_TRUNCATED, "the header is cut off", 0);
        return none;
    }
    if (memcmp(span->bytes + 4, identifier, 4) != 0) {
        fail(span, TP_ERR_MALFORMED,
             "the identifier TFL3 is missing: this is no .tflite file", 4);
        return none;
    }
    return table_at(span, tp_load_u32(span->bytes));
}

/* Position of a field of `width` bytes, 0 where it is absent. */
static size_t field(tp_span *span, const tp_table *t, int id, size_t width) {
    const size_t slot = 4 + 2 * (size_t)id;
    if (t->at == 0 || slot + 2 > t->vbytes) {
        return 0;
    }
    const size_t offset = (size_t)load(span->bytes + t->vtable + slot, 2);
    if (offset == 0) {
        return 0;
    }
    if (offset < 4 || offset + width > t->bytes) {
        fail(span, TP_ERR_MALFORMED, "a field lies outside its table", t->at);
        return 0;
    }
    return t->at + offset;
}

int32_t tp_span_i8(tp_span *span, const tp_table *t, int id, int32_t fallback) {
    const size_t at = field(span, t, id, 1);
    return at == 0 ? fallback
                   : (int32_t)to_signed(load(span->bytes + at, 1), 1);
}

int32_t tp_span_i32(tp_span *span, const tp_table *t, int id,
                    int32_t fallback) {
    const size_t at = field(span, t, id, 4);
    return at == 0 ? fallback : tp_load_i32(span->bytes + at);
}

uint32_t tp_span_u32(tp_span *span, const tp_table *t, int id) {
    const size_t at = field(span, t, id, 4);
    return at == 0 ? 0 : tp_load_u32(span->bytes + at);
}

uint64_t tp_span_u64(tp_span *span, const tp_table *t, int id) {
    const size_t at = field(span, t, id, 8);
    return at == 0 ? 0 : load(span->bytes + at, 8);
}

float tp_span_f32(tp_span *span, const tp_table *t, int id, float fallback) {
    const size_t at = field(span, t, id, 4);
    return at == 0 ? fallback : load_f32(span->bytes + at);
}

bool tp_span_bool(tp_span *span, const tp_table *t, int id) {
    const size_t at = field(span, t, id, 1);
    return at != 0 && span->bytes[at] != 0;
}

tp_table tp_span_table(tp_span *span, const tp_table *t, int id) {
    const tp_table none = {0};
    const size_t at = field(span, t, id, 4);
    if (at == 0) {
        return none;
    }
    return table_at(span, (uint64_t)at + tp_load_u32(span->bytes + at));
}

tp_vector tp_span_vector(tp_span *span, const tp_table *t, int id,
                         size_t width) {
    const tp_vector none = {0};
    const size_t from = field(span, t, id, 4);
    if (from == 0) {
        return none;
    }
    const uint64_t at = (uint64_t)from + tp_load_u32(span->bytes + from);
    if (!tp_span_holds(span, at, 4)) {
        fail(span, TP_ERR_TRUNCATED, "a vector lies outside the file", at);
        return none;
    }
    /* n < 2^32 and width <= 8: the product does not wrap */
    const uint32_t n = tp_load_u32(span->bytes + at);
    if (!tp_span_holds(span, at + 4, (uint64_t)n * width)) {
        fail(span, TP_ERR_TRUNCATED, "a vector ends past the file", at);
        return none;
    }
    return (tp_vector){(size_t)at + 4, n};
}

int32_t tp_vector_i32(const tp_span *span, const tp_vector *v, uint32_t i) {
    return tp_load_i32(span->bytes + v->at + 4 * (size_t)i);
}

int64_t tp_vector_i64(const tp_span *span, const tp_vector *v, uint32_t i) {
    return to_signed(load(span->bytes + v->at + 8 * (size_t)i, 8), 8);
}

float tp_vector_f32(const tp_span *span, const tp_vector *v, uint32_t i) {
    return load_f32(span->bytes + v->at + 4 * (size_t)i);
}

tp_table tp_vector_table(tp_span *span, const tp_vector *v, uint32_t i) {
    const uint64_t at = (uint64_t)v->at + 4 * (uint64_t)i;
    return table_at(span, at + tp_load_u32(span->bytes + at));
}
