#include "cli/args.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_CHARS 31

typedef struct parser {
    const tp_args *args;
    char *const *argv;
    int argc;
    int at; /* argument being looked at */
    char *to;
    tp_diag *diag;
    bool seen[TP_ARGS_MAX];
} parser;

int tp_args_distance(const char *a, const char *b) {
    int row[NAME_MAX_CHARS + 1];
    for (int j = 0; j <= NAME_MAX_CHARS; j++) {
        row[j] = j;
    }
    int last = 0;
    for (int i = 0; i < NAME_MAX_CHARS && a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 0; j < NAME_MAX_CHARS && b[j] != '\0'; j++) {
            const int replace = diagonal + (a[i] != b[j] ? 1 : 0);
            const int shift = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            diagonal = row[j + 1];
            row[j + 1] = replace < shift ? replace : shift;
        }
    }
    while (last < NAME_MAX_CHARS && b[last] != '\0') {
        last++;
    }
    return row[last];
}

static bool takes(const tp_args *args, const tp_opt *opt) {
    return (opt->commands & args->command) != 0;
}

static const char *nearest(const tp_args *args, const char *name) {
    const char *best = "help";
    int best_distance = INT_MAX;
    for (int i = 0; i < args->n_opts; i++) {
        const tp_opt *opt = &args->opt[i];
        if (!takes(args, opt) || opt->type == TP_OPT_OPERAND) {
            continue;
        }
        const int distance = tp_args_distance(name, opt->name);
        if (distance < best_distance) {
            best_distance = distance;
            best = opt->name;
        }
    }
    return best;
}

/* --- values --------------------------------------------------------------- */

static tp_status out_of_range(parser *p, const tp_opt *opt, const char *text) {
    return tp_error(p->diag, TP_ERR_ARGUMENT,
                    "--%s %s: must be between %.10g and %.10g", opt->name, text,
                    opt->lo, opt->hi);
}

static tp_status set_int(parser *p, const tp_opt *opt, const char *text) {
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0') {
        return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s %s: not a whole number",
                        opt->name, text);
    }
    if (errno != 0 || (double)value < opt->lo || (double)value > opt->hi) {
        return out_of_range(p, opt, text);
    }
    const int64_t kept = value;
    memcpy(p->to + opt->offset, &kept, sizeof kept);
    return TP_OK;
}

/* "22820", "24K", "1M": powers of 1024. */
static tp_status set_size(parser *p, const tp_opt *opt, const char *text) {
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    const long long unit = *end == 'K' || *end == 'k'   ? 1024
                           : *end == 'M' || *end == 'm' ? 1024 * 1024
                                                        : 1;
    if (end == text || end[unit > 1 ? 1 : 0] != '\0') {
        return tp_error(p->diag, TP_ERR_ARGUMENT,
                        "--%s %s: no number of bytes, such as 22820, 24K or 1M",
                        opt->name, text);
    }
    const double bytes = (double)value * (double)unit;
    if (errno != 0 || bytes < opt->lo || bytes > opt->hi) {
        return out_of_range(p, opt, text);
    }
    const int64_t kept = value * unit;
    memcpy(p->to + opt->offset, &kept, sizeof kept);
    return TP_OK;
}

static tp_status set_real(parser *p, const tp_opt *opt, const char *text) {
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) {
        return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s %s: not a number",
                        opt->name, text);
    }
    if (value < opt->lo || value > opt->hi) {
        return out_of_range(p, opt, text);
    }
    memcpy(p->to + opt->offset, &value, sizeof value);
    return TP_OK;
}

static tp_status set_choice(parser *p, const tp_opt *opt, const char *text) {
    const size_t n = strlen(text);
    const char *word = opt->value;
    for (int i = 0; word != NULL; i++) {
        const char *bar = strchr(word, '|');
        const size_t length = bar != NULL ? (size_t)(bar - word) : strlen(word);
        if (length == n && memcmp(word, text, n) == 0) {
            memcpy(p->to + opt->offset, &i, sizeof i);
            return TP_OK;
        }
        word = bar != NULL ? bar + 1 : NULL;
    }
    return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s %s: must be one of %s",
                    opt->name, text, opt->value);
}

static tp_status add_text(parser *p, const tp_opt *opt, const char *text) {
    tp_texts *texts = (tp_texts *)(void *)(p->to + opt->offset);
    if (texts->n == TP_TEXTS_MAX) {
        return tp_error(p->diag, TP_ERR_ARGUMENT,
                        "--%s: given more than %d times", opt->name,
                        TP_TEXTS_MAX);
    }
    texts->item[texts->n++] = text;
    return TP_OK;
}

static void set_flag(parser *p, const tp_opt *opt) {
    const bool yes = true;
    memcpy(p->to + opt->offset, &yes, sizeof yes);
}

static tp_status set_value(parser *p, const tp_opt *opt, const char *text) {
    switch (opt->type) {
    case TP_OPT_INT:
        return set_int(p, opt, text);
    case TP_OPT_SIZE:
        return set_size(p, opt, text);
    case TP_OPT_REAL:
        return set_real(p, opt, text);
    case TP_OPT_CHOICE:
        return set_choice(p, opt, text);
    case TP_OPT_TEXTS:
        return add_text(p, opt, text);
    case TP_OPT_FLAG:
    case TP_OPT_HELP:
        set_flag(p, opt);
        return TP_OK;
    case TP_OPT_OPERAND:
    case TP_OPT_TEXT:
        break;
    }
    if (text[0] == '\0') {
        return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s: is empty", opt->name);
    }
    memcpy(p->to + opt->offset, &text, sizeof text);
    return TP_OK;
}

/* --- arguments ------------------------------------------------------------ */

/* The row of "--name" (n characters) or of a letter; -1: none. */
static int find(const tp_args *args, const char *name, size_t n, char letter) {
    for (int i = 0; i < args->n_opts; i++) {
        const tp_opt *opt = &args->opt[i];
        if (!takes(args, opt) || opt->type == TP_OPT_OPERAND) {
            continue;
        }
        if (letter != '\0'
                ? opt->letter == letter
                : strlen(opt->name) == n && memcmp(opt->name, name, n) == 0) {
            return i;
        }
    }
    return -1;
}

static tp_status unknown(parser *p, const char *name, size_t n) {
    char *text = tp_arena_copy(p->diag->arena, name, n + 1, 1);
    if (text == NULL) {
        return tp_no_memory(p->diag);
    }
    text[n] = '\0';
    return tp_error(p->diag, TP_ERR_ARGUMENT,
                    "unknown option --%s; nearest: --%s", text,
                    nearest(p->args, text));
}

/* One option, with its value from behind "=" or from the next argument. */
static tp_status take_option(parser *p, int row, const char *value) {
    const tp_opt *opt = &p->args->opt[row];
    if (p->seen[row] && opt->type != TP_OPT_TEXTS) {
        return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s: given twice",
                        opt->name);
    }
    p->seen[row] = true;
    if (opt->type == TP_OPT_FLAG || opt->type == TP_OPT_HELP) {
        if (value != NULL) {
            return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s takes no value",
                            opt->name);
        }
        return set_value(p, opt, "");
    }
    if (value == NULL) {
        p->at++;
        if (p->at == p->argc || strncmp(p->argv[p->at], "--", 2) == 0) {
            return tp_error(p->diag, TP_ERR_ARGUMENT, "--%s needs a value: %s",
                            opt->name, opt->value);
        }
        value = p->argv[p->at];
    }
    return set_value(p, opt, value);
}

static tp_status take_operand(parser *p, const char *text) {
    for (int i = 0; i < p->args->n_opts; i++) {
        const tp_opt *opt = &p->args->opt[i];
        if (opt->type == TP_OPT_OPERAND && takes(p->args, opt) && !p->seen[i]) {
            p->seen[i] = true;
            return set_value(p, opt, text);
        }
    }
    return tp_error(p->diag, TP_ERR_ARGUMENT, "'%s': one argument too many",
                    text);
}

/* One argument that starts with a dash; *row is the option it was. */
static tp_status take_dashed(parser *p, const char *text, int *row) {
    if (text[1] != '-') {
        *row = text[2] == '\0' ? find(p->args, NULL, 0, text[1]) : -1;
        return *row >= 0 ? take_option(p, *row, NULL)
                         : tp_error(p->diag, TP_ERR_ARGUMENT,
                                    "unknown option %s; nearest: --%s", text,
                                    nearest(p->args, text + 1));
    }
    const char *name = text + 2;
    const size_t n = strcspn(name, "=");
    *row = find(p->args, name, n, '\0');
    if (*row < 0) {
        return unknown(p, name, n);
    }
    return take_option(p, *row, name[n] == '=' ? name + n + 1 : NULL);
}

static tp_status check_required(parser *p) {
    for (int i = 0; i < p->args->n_opts; i++) {
        const tp_opt *opt = &p->args->opt[i];
        if ((opt->required & p->args->command) == 0 || p->seen[i]) {
            continue;
        }
        const bool operand = opt->type == TP_OPT_OPERAND;
        return tp_error(p->diag, TP_ERR_ARGUMENT, "%s%s%s%s is missing",
                        operand ? "" : "--", opt->name,
                        opt->value != NULL ? " " : "",
                        opt->value != NULL ? opt->value : "");
    }
    return TP_OK;
}

tp_status tp_args_parse(const tp_args *args, int argc, char *const *argv,
                        void *to, tp_diag *diag) {
    parser p = {
        .args = args, .argv = argv, .argc = argc, .to = to, .diag = diag};
    bool operands_only = false;
    for (p.at = 0; p.at < argc; p.at++) {
        const char *text = argv[p.at];
        if (operands_only || text[0] != '-' || text[1] == '\0') {
            TP_TRY(take_operand(&p, text));
        } else if (strcmp(text, "--") == 0) {
            operands_only = true;
        } else {
            int row = -1;
            TP_TRY(take_dashed(&p, text, &row));
            if (args->opt[row].type == TP_OPT_HELP) {
                return TP_OK;
            }
        }
    }
    return check_required(&p);
}

#define HELP_WIDTH 78
#define HELP_COLUMN 26 /* where the text of an option begins */

/* The choices of an option, from `column` on; lines end behind a '|'. Returns
 * the column behind them. */
static int print_value(FILE *file, const char *value, int column) {
    while (*value != '\0') {
        const char *bar = strchr(value, '|');
        const int n = bar != NULL ? (int)(bar - value) + 1 : (int)strlen(value);
        if (column + n > HELP_WIDTH && column > 8) {
            (void)fprintf(file, "\n%8s", "");
            column = 8;
        }
        (void)fprintf(file, "%.*s", n, value);
        column += n;
        value += n;
    }
    return column;
}

/* An option's name and value; a long one has lines of its own. */
static void print_option(FILE *file, const tp_opt *opt) {
    const char short_form[] = {'-', opt->letter, ',', ' ', '\0'};
    const int name =
        fprintf(file, "  %s%s%s%s", opt->letter != '\0' ? short_form : "",
                opt->type == TP_OPT_OPERAND ? "" : "--", opt->name,
                opt->value != NULL ? " " : "");
    const int column =
        opt->value != NULL ? print_value(file, opt->value, name) : name;
    if (column > HELP_COLUMN - 2) {
        (void)fprintf(file, "\n%*s", HELP_COLUMN, "");
    } else {
        (void)fprintf(file, "%*s", HELP_COLUMN - column, "");
    }
    (void)fprintf(file, "%s\n", opt->help);
}

void tp_args_help(const tp_args *args, FILE *file) {
    for (int i = 0; i < args->n_opts; i++) {
        if (takes(args, &args->opt[i])) {
            print_option(file, &args->opt[i]);
        }
    }
}
