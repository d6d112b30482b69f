#include "compiler/ir/lex.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ir/text.h"

tp_status tp_lex_fail(tp_lexer *lex, const char *where, const char *format,
                      ...) {
    char what[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    int line = 1;
    int column = 1;
    for (const char *c = lex->text; c < where; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    return tp_error(lex->diag,
                    where >= lex->end ? TP_ERR_TRUNCATED : TP_ERR_MALFORMED,
                    "line %d, column %d: %s", line, column, what);
}

const char *tp_lex_next(tp_lexer *lex) {
    bool comment = false;
    for (; lex->at < lex->end; lex->at++) {
        const char c = *lex->at;
        comment = (comment || c == '#') && c != '\n';
        if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            break;
        }
    }
    return lex->at;
}

bool tp_lex_accept(tp_lexer *lex, char c) {
    if (tp_lex_next(lex) == lex->end || *lex->at != c) {
        return false;
    }
    lex->at++;
    return true;
}

tp_status tp_lex_expect(tp_lexer *lex, char c) {
    return tp_lex_accept(lex, c)
               ? TP_OK
               : tp_lex_fail(lex, lex->at, "expected '%c'", c);
}

/* --- words ---------------------------------------------------------------- */

tp_span tp_lex_word(tp_lexer *lex) {
    tp_span s = {tp_lex_next(lex), 0};
    while (lex->at < lex->end && tp_text_plain(*lex->at, s.n == 0)) {
        lex->at++;
        s.n++;
    }
    return s;
}

bool tp_lex_is(tp_span word, const char *text) {
    return word.n == strlen(text) && memcmp(word.at, text, word.n) == 0;
}

tp_span tp_lex_key(tp_lexer *lex) {
    const char *before = lex->at;
    tp_span s = tp_lex_word(lex);
    if (s.n == 0 || tp_lex_is(s, "_") || !tp_lex_accept(lex, '=')) {
        lex->at = before;
        s.n = 0;
    }
    return s;
}

static int digit(char c, int base) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (base == 16 && c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return base == 16 && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Two digits, nothing skipped; -1 where they do not stand here. */
static int pair(tp_lexer *lex) {
    const int high = digit(lex->at[0], 16); /* -1 at `end` */
    const int low = high < 0 ? -1 : digit(lex->at[1], 16);
    lex->at += low < 0 ? 0 : 2;
    return low < 0 ? -1 : high * 16 + low;
}

/* One character of a quoted name, before its closing quote; 0: an error. */
static char character(tp_lexer *lex) {
    char c = *lex->at++;
    if (c != '\\') {
        return c;
    }
    c = *lex->at++;
    switch (c) {
    case '"':
    case '\\':
        return c;
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'x': {
        const int byte = pair(lex);
        return (char)(byte < 0 ? 0 : byte);
    }
    default:
        return '\0';
    }
}

/* After the opening quote. */
static tp_status quoted(tp_lexer *lex, const char **name) {
    const char *close = lex->at;
    while (close < lex->end && *close != '"') {
        close += *close == '\\' && close + 1 < lex->end ? 2 : 1;
    }
    if (close == lex->end) {
        return tp_lex_fail(lex, close, "expected '\"' to close the name");
    }
    /* Every character of the name takes at least one of the text. */
    char *text = tp_arena_alloc(lex->arena, (size_t)(close - lex->at) + 1, 1);
    if (text == NULL) {
        return tp_no_memory(lex->diag);
    }
    for (size_t n = 0; lex->at < close; n++) {
        const char *where = lex->at;
        text[n] = character(lex);
        if (text[n] == '\0') {
            return tp_lex_fail(lex, where,
                               "expected \\\" \\\\ \\n \\t or \\xHH, "
                               "not \\x00");
        }
    }
    lex->at = close + 1;
    *name = text;
    return TP_OK;
}

tp_status tp_lex_name(tp_lexer *lex, const char *what, const char **name) {
    if (tp_lex_accept(lex, '"')) {
        return quoted(lex, name);
    }
    const tp_span s = tp_lex_word(lex);
    if (s.n == 0 || tp_lex_is(s, "_")) {
        return tp_lex_fail(lex, s.at, "expected the name of %s", what);
    }
    char *text = tp_arena_alloc(lex->arena, s.n + 1, 1);
    if (text == NULL) {
        return tp_no_memory(lex->diag);
    }
    memcpy(text, s.at, s.n);
    *name = text;
    return TP_OK;
}

/* --- numbers -------------------------------------------------------------- */

tp_status tp_lex_integer(tp_lexer *lex, int64_t lo, int64_t hi,
                         int64_t *value) {
    const char *where = tp_lex_next(lex);
    const bool negative = tp_lex_accept(lex, '-');
    int64_t v = 0;
    if (digit(*lex->at, 10) < 0) {
        return tp_lex_fail(lex, where, "expected a whole number");
    }
    for (; digit(*lex->at, 10) >= 0; lex->at++) {
        v = v > UINT32_MAX ? v : v * 10 + digit(*lex->at, 10); /* < 2^36 */
    }
    v = negative ? -v : v;
    if (v < lo || v > hi) {
        return tp_lex_fail(lex, where, "expected a number from %lld to %lld",
                           (long long)lo, (long long)hi);
    }
    *value = v;
    return TP_OK;
}

tp_status tp_lex_int32(tp_lexer *lex, int32_t *value) {
    int64_t wide = 0;
    TP_TRY(tp_lex_integer(lex, INT32_MIN, INT32_MAX, &wide));
    *value = (int32_t)wide;
    return TP_OK;
}

/* The characters of a number, for strtod, which alone would take more forms
 * than we print. Returns false where they are no number. */
static bool number(tp_lexer *lex, char text[64]) {
    size_t n = 0;
    (void)tp_lex_next(lex);
    while (lex->at < lex->end && n < 63 && *lex->at != '\0' &&
           strchr("+-.0123456789einfa", *lex->at) != NULL) {
        text[n++] = *lex->at++;
    }
    text[n] = '\0';
    char *stop = text;
    (void)strtod(text, &stop);
    return n > 0 && *stop == '\0';
}

static tp_status out_of_range(tp_lexer *lex, const char *where) {
    return tp_lex_fail(lex, where, "expected a smaller number, or inf");
}

tp_status tp_lex_double(tp_lexer *lex, double *value) {
    const char *where = tp_lex_next(lex);
    char text[64];
    if (!number(lex, text)) {
        return tp_lex_fail(lex, where, "expected a number");
    }
    const double x = strtod(text, NULL);
    if (isinf(x) && strchr(text, 'n') == NULL) {
        return out_of_range(lex, where);
    }
    *value = x;
    return TP_OK;
}

tp_status tp_lex_float(tp_lexer *lex, float *value) {
    const char *where = tp_lex_next(lex);
    char text[64];
    if (!number(lex, text)) {
        return tp_lex_fail(lex, where, "expected a number");
    }
    const float x = strtof(text, NULL);
    if (isinf(x) && strchr(text, 'n') == NULL) {
        return out_of_range(lex, where);
    }
    *value = x;
    return TP_OK;
}

tp_status tp_lex_hex(tp_lexer *lex, uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *where = tp_lex_next(lex);
        const int byte = pair(lex);
        if (byte < 0) {
            return tp_lex_fail(lex, where,
                               "expected byte %zu of %zu in hexadecimal", i + 1,
                               n);
        }
        bytes[i] = (uint8_t)byte;
    }
    return TP_OK;
}
