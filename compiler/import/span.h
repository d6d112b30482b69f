/* FlatBuffers over untrusted bytes: every read is checked against the file,
 * alignment is not assumed, nothing recurses. The first failed read is kept
 * in the span (sticky); reads after it, or of an absent table, give the
 * fallback, so that a caller reads a whole object and asks once.
 *
 * Source: "FlatBuffers Internals", flatbuffers.dev. */
#ifndef TP_COMPILER_IMPORT_SPAN_H
#define TP_COMPILER_IMPORT_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tinypeft/status.h"

typedef struct tp_span {
    const uint8_t *bytes;
    size_t n;
    tp_status status; /* TP_OK, or what the first failed read met */
    const char *what; /* the fault in words */
    size_t at;        /* and its position */
} tp_span;

typedef struct tp_table {
    size_t at;     /* 0: absent */
    size_t bytes;  /* of the fields, checked to lie in the file */
    size_t vtable; /* position, checked */
    size_t vbytes;
} tp_table;

/* n elements from position `at` on; all lie in the file. */
typedef struct tp_vector {
    size_t at; /* 0: absent */
    uint32_t n;
} tp_vector;

/* The root table, after the identifier ("TFL3") was compared. */
tp_table tp_span_root(tp_span *span, const char *identifier);

/* --- field `id` of a table; the fallback where it is absent -------------- */

int32_t tp_span_i8(tp_span *span, const tp_table *t, int id, int32_t fallback);
int32_t tp_span_i32(tp_span *span, const tp_table *t, int id, int32_t fallback);
uint32_t tp_span_u32(tp_span *span, const tp_table *t, int id);
uint64_t tp_span_u64(tp_span *span, const tp_table *t, int id);
float tp_span_f32(tp_span *span, const tp_table *t, int id, float fallback);
bool tp_span_bool(tp_span *span, const tp_table *t, int id);
tp_table tp_span_table(tp_span *span, const tp_table *t, int id);
/* `width`: bytes of one element; of a vector of tables or strings, 4. */
tp_vector tp_span_vector(tp_span *span, const tp_table *t, int id,
                         size_t width);

/* --- element i < v->n of a vector ---------------------------------------- */

int32_t tp_vector_i32(const tp_span *span, const tp_vector *v, uint32_t i);
int64_t tp_vector_i64(const tp_span *span, const tp_vector *v, uint32_t i);
float tp_vector_f32(const tp_span *span, const tp_vector *v, uint32_t i);
tp_table tp_vector_table(tp_span *span, const tp_vector *v, uint32_t i);

/* True if `n` bytes from `at` on lie in the file. */
bool tp_span_holds(const tp_span *span, uint64_t at, uint64_t n);
/* Little-endian words at any address. */
uint32_t tp_load_u32(const uint8_t *from);
int32_t tp_load_i32(const uint8_t *from);

#endif
