/* Tokens of the graph's text form, for the parser alone. Every function skips
 * spaces and comments first, and on an error says where and what it expected.
 * Nothing is read past `end`, where the text's terminating 0 stands. */
#ifndef TP_COMPILER_IR_LEX_H
#define TP_COMPILER_IR_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/arena.h"
#include "compiler/diag.h"

typedef struct tp_lexer {
    tp_arena *arena; /* of the names */
    tp_diag *diag;
    const char *text, *at, *end;
} tp_lexer;

typedef struct tp_span {
    const char *at;
    size_t n; /* 0: none */
} tp_span;

/* "line 12, column 8: ..." of the place `where`; TP_ERR_TRUNCATED at the end
 * of the text, else TP_ERR_MALFORMED. */
tp_status tp_lex_fail(tp_lexer *lex, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The place of the next token. */
const char *tp_lex_next(tp_lexer *lex);
bool tp_lex_accept(tp_lexer *lex, char c);
TP_MUST_CHECK tp_status tp_lex_expect(tp_lexer *lex, char c);
/* A plain word, or nothing. */
tp_span tp_lex_word(tp_lexer *lex);
bool tp_lex_is(tp_span word, const char *text);
/* The word before a '=', other than _; where there is none, nothing is read. */
tp_span tp_lex_key(tp_lexer *lex);
/* A plain or quoted name, in the arena; `what` for the message. */
TP_MUST_CHECK tp_status tp_lex_name(tp_lexer *lex, const char *what,
                                    const char **name);

/* |lo|, |hi| <= 2^32. */
TP_MUST_CHECK tp_status tp_lex_integer(tp_lexer *lex, int64_t lo, int64_t hi,
                                       int64_t *value);
TP_MUST_CHECK tp_status tp_lex_int32(tp_lexer *lex, int32_t *value);
/* A decimal number in range, or inf or nan. */
TP_MUST_CHECK tp_status tp_lex_double(tp_lexer *lex, double *value);
TP_MUST_CHECK tp_status tp_lex_float(tp_lexer *lex, float *value);
/* n bytes of two digits each. */
TP_MUST_CHECK tp_status tp_lex_hex(tp_lexer *lex, uint8_t *bytes, size_t n);

#endif
