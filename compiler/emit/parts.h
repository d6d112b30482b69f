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

/* A word behind a space (not at the start of a line nor behind a bracket), or,
 * where the line would grow past 80 columns, behind `next`: a line end and what
 * begins the new line. NULL: memory ran out. */
void tp_emit_word(tp_text *out, const char *word, const char *next);
/* The same for each word of a text with spaces. */
void tp_emit_words(tp_text *out, const char *words, const char *next);
/* Any text as one that a comment holds: it neither ends nor opens one. */
const char *tp_emit_comment(tp_arena *arena, const char *text);
/* Any text as a string literal, quotes included. */
const char *tp_emit_string(tp_arena *arena, const char *text);

/* Each returns NULL where memory ran out. */
char *tp_emit_header(const tp_emitter *e);
char *tp_emit_program(const tp_emitter *e);
char *tp_emit_weights(const tp_emitter *e);

/* memory.c: the sizes of the arena's regions; types and the function that opens
 * a context; "sizeof(...) + ..." of all these types. */
void tp_emit_region_sizes(tp_text *out, const tp_emitter *e);
void tp_emit_memory(tp_text *out, const tp_emitter *e);
const char *tp_emit_ram_types(const tp_emitter *e);
/* A name in capitals; NULL: memory ran out. */
const char *tp_emit_upper(tp_arena *arena, const char *name);

/* Name of a descriptor or constant, NULL where there is none. */
const char *tp_emit_desc_name(const tp_emitter *e, const void *desc);
const char *tp_emit_const_name(const tp_emitter *e, const void *data);
/* What a quantised value means: "0.0787 * (q + 128)". */
const char *tp_emit_real(tp_arena *arena, const tp_tensor *t);
/* First line of a file: "what of <name>". */
void tp_emit_title(tp_text *out, const tp_emitter *e, const char *what);
/* C type of a constant's elements. */
const char *tp_emit_c_type(tp_dtype dtype);
/* "extern const int8_t kws_conv0_w[2560];" */
void tp_emit_extern(tp_text *out, const tp_emitter *e, const tp_const *c);
/* "1x25x5x64" */
const char *tp_emit_shape(tp_arena *arena, const tp_tensor *t);

#endif
