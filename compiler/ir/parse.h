/* The parser of the text form, for parse.c and parse_tensor.c alone. */
#ifndef TP_COMPILER_IR_PARSE_H
#define TP_COMPILER_IR_PARSE_H

#include "compiler/ir/ir.h"
#include "compiler/ir/lex.h"

/* What is known of tensor %i. */
typedef struct tp_parser_slot {
    tp_tensor tensor;
    const char *mention; /* first place in the text; NULL: none */
    bool declared;
} tp_parser_slot;

typedef struct tp_parser {
    tp_lexer lex;
    tp_arena scratch;
    tp_graph graph;
    tp_parser_slot *slot;
    int n_slots, cap_slots;
    size_t filled;  /* bytes made by fill() */
    unsigned given; /* statements that stand at most once: bit by row */
} tp_parser;

/* %7, or _ (-1) where `absent`; in parse.c. */
TP_MUST_CHECK tp_status tp_parse_reference(tp_parser *p, bool absent,
                                           int *index);

TP_MUST_CHECK tp_status tp_parse_dtype(tp_parser *p, tp_dtype *dtype);

/* The declaration of a tensor after its name: type, shape, scales, what
 * training needs, contents. t->role and t->train.param are set already. */
TP_MUST_CHECK tp_status tp_parse_tensor(tp_parser *p, tp_tensor *t);

#endif
