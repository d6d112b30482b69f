/* The three texts of emit, and what they share. */
#ifndef TP_COMPILER_EMIT_PARTS_H
#define TP_COMPILER_EMIT_PARTS_H

#include "compiler/emit/emit.h"
#include "compiler/text_buffer.h"

typedef struct tp_emit_desc {
    const char *name;
    const tp_step *step; /* the first that uses it */
} tp_emit_desc;

typedef struct tp_emitter {
    tp_arena *arena;
    const tp_plan *plan;
    const tp_emit_options *options;
    const char *name;  /* "kws" */
    const char *upper; /* "KWS" */
    tp_emit_desc *desc;
    int n_descs;
} tp_emitter;

/* Each returns NULL where memory ran out. */
char *tp_emit_header(const tp_emitter *e);
char *tp_emit_program(const tp_emitter *e);
char *tp_emit_weights(const tp_emitter *e);

/* Name of a descriptor or constant, NULL where there is none. */
const char *tp_emit_desc_name(const tp_emitter *e, const void *desc);
const char *tp_emit_const_name(const tp_emitter *e, const void *data);
/* What a quantised value means: "0.0787 * (q + 128)". */
const char *tp_emit_real(tp_arena *arena, const tp_tensor *t);
/* C type of a constant's elements. */
const char *tp_emit_c_type(tp_dtype dtype);
/* "1x25x5x64" */
const char *tp_emit_shape(tp_arena *arena, const tp_tensor *t);

#endif
