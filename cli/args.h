/* Option parsing: one table for the whole program, each row saying which
 * commands take the option, which need it, where its value goes and within
 * which range it must lie. The help texts come from the same rows. */
#ifndef TP_CLI_ARGS_H
#define TP_CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "compiler/diag.h"

#define TP_ARGS_MAX 96  /* rows of a table */
#define TP_TEXTS_MAX 32 /* values of a repeated option */

typedef enum tp_opt_type {
    TP_OPT_OPERAND, /* const char *: no option, stands by itself */
    TP_OPT_FLAG,    /* bool */
    TP_OPT_HELP,    /* bool; nothing after it is looked at */
    TP_OPT_TEXT,    /* const char * */
    TP_OPT_TEXTS,   /* tp_texts: may be repeated */
    TP_OPT_INT,     /* int64_t in [lo, hi] */
    TP_OPT_SIZE,    /* int64_t in [lo, hi]: bytes; 24K is 24 * 1024, M too */
    TP_OPT_REAL,    /* double in [lo, hi] */
    TP_OPT_CHOICE   /* int: which of the words in `value`, "one|two|three" */
} tp_opt_type;

typedef struct tp_texts {
    const char *item[TP_TEXTS_MAX];
    int n;
} tp_texts;

typedef struct tp_opt {
    const char *name; /* without the dashes */
    char letter;      /* 0: has no short form */
    tp_opt_type type;
    unsigned commands; /* bits: which take it */
    unsigned required; /* bits: which need it */
    size_t offset;     /* of its value in the struct that parsing fills */
    const char *value; /* "N", "FILE", or the choices */
    double lo, hi;
    const char *help;
} tp_opt;

typedef struct tp_args {
    const tp_opt *opt;
    int n_opts;       /* at most TP_ARGS_MAX */
    unsigned command; /* one bit */
} tp_args;

/* Fills the struct at `to`, which holds the defaults. A value follows its
 * option as the next argument or behind "=". "--" ends the options.
 * TP_ERR_ARGUMENT: the first thing that is wrong is said in `diag`. */
TP_MUST_CHECK tp_status tp_args_parse(const tp_args *args, int argc,
                                      char *const *argv, void *to,
                                      tp_diag *diag);

/* The options of a command, a line each. */
void tp_args_help(const tp_args *args, FILE *file);

/* Edits (insert, remove, replace) between two names; of long ones only the
 * first 31 characters count. */
int tp_args_distance(const char *a, const char *b);

#endif
