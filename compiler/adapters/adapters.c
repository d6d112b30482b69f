#include "compiler/adapters/adapters.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/adapters/kinds.h"

const tp_adapter_kind *const tp_adapter_kinds[TP_N_ADAPTER_KINDS] = {
    &tp_adapter_head,       &tp_adapter_bitfit, &tp_adapter_lora,
    &tp_adapter_lora_fa,    &tp_adapter_scale,  &tp_adapter_skip,
    &tp_adapter_bottleneck, &tp_adapter_vera,   &tp_adapter_hyper,
    &tp_adapter_sparse};

/* Matches one character against "[abc]" or "[a-c]" or "[!abc]"; *end is set
 * behind the bracket. A bracket that does not close matches nothing. */
static bool in_set(const char *set, char c, const char **end) {
    bool found = false;
    const char *p = set + 1;
    const bool negated = *p == '!';
    p += negated ? 1 : 0;
    for (const char *first = p; *p != '\0' && (*p != ']' || p == first);) {
        const bool range = p[1] == '-' && p[2] != ']' && p[2] != '\0';
        found = found || (range ? c >= p[0] && c <= p[2] : c == p[0]);
        p += range ? 3 : 1;
    }
    *end = *p == ']' ? p + 1 : NULL;
    return *p == ']' && found != negated;
}

bool tp_glob(const char *pattern, const char *name) {
    while (*pattern != '\0') {
        if (*pattern == '*') {
            for (const char *rest = name;; rest++) {
                if (tp_glob(pattern + 1, rest)) {
                    return true;
                }
                if (*rest == '\0') {
                    return false;
                }
            }
        }
        if (*name == '\0') {
            return false;
        }
        if (*pattern == '[') {
            const char *end = NULL;
            if (!in_set(pattern, *name, &end)) {
                return false;
            }
            pattern = end;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
        } else {
            return false;
        }
        name++;
    }
    return *name == '\0';
}

bool tp_slots_match(tp_arena *arena, const char *slots, const char *name) {
    for (const char *p = slots; *p != '\0';) {
        const size_t n = strcspn(p, ",");
        const char *pattern = tp_arena_printf(arena, "%.*s", (int)n, p);
        if (pattern != NULL && tp_glob(pattern, name)) {
            return true;
        }
        p += p[n] == ',' ? n + 1 : n;
    }
    return false;
}

static const tp_adapter_kind *find_kind(const char *name) {
    for (int i = 0; i < TP_N_ADAPTER_KINDS; i++) {
        if (strcmp(tp_adapter_kinds[i]->name, name) == 0) {
            return tp_adapter_kinds[i];
        }
    }
    return NULL;
}

/* "key" is one of the comma-separated keys. */
static bool has_key(const char *keys, const char *key) {
    const size_t n = strlen(key);
    for (const char *p = keys; *p != '\0';) {
        const size_t width = strcspn(p, ",");
        if (width == n && strncmp(p, key, n) == 0) {
            return true;
        }
        p += width;
        p += *p == ',' ? 1 : 0;
    }
    return false;
}

/* Where a key's value goes, and its range. */
typedef struct key_rule {
    const char *name;
    size_t offset; /* of an int in tp_adapter_spec */
    long low, high;
    const char *const *words; /* values 0, 1, ... by name, NULL at the end;
                                 none: a percentage; or NULL: a number */
} key_rule;

/* NULL where no kind has such a key. */
static const key_rule *find_key(const char *name) {
    static const char *const acts[] = {"relu", "hard_swish", NULL};
    static const char *const modes[] = {"parallel", "serial", NULL};
    static const char *const units[] = {"weight", "channel", NULL};
    static const char *const choices[] = {"random", "gradient", "fisher", NULL};
    static const char *const percent[] = {NULL};
    static const key_rule rules[] = {
        {"rank", offsetof(tp_adapter_spec, rank), 1, 16, NULL},
        {"classes", offsetof(tp_adapter_spec, classes), 2, 256, NULL},
        {"seed", offsetof(tp_adapter_spec, seed), 0, INT32_MAX, NULL},
        {"act", offsetof(tp_adapter_spec, act), 0, 0, acts},
        {"mode", offsetof(tp_adapter_spec, mode), 0, 0, modes},
        {"code", offsetof(tp_adapter_spec, code), 4, 32, NULL},
        {"keep", offsetof(tp_adapter_spec, keep), 1, 65535, NULL},
        {"bits", offsetof(tp_adapter_spec, bits), 2, 8, NULL},
        {"density", offsetof(tp_adapter_spec, density), 1, 10000, percent},
        {"count", offsetof(tp_adapter_spec, count), 1, 65536, NULL},
        {"unit", offsetof(tp_adapter_spec, unit), 0, 0, units},
        {"choice", offsetof(tp_adapter_spec, choice), 0, 0, choices},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (strcmp(rules[i].name, name) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

/* "2%" or "0.5%", to hundredths of a percent. */
static tp_status parse_percent(const key_rule *rule, const char *text,
                               tp_adapter_spec *spec, tp_diag *diag) {
    char *end = NULL;
    const double percent = strtod(text, &end);
    const double value = percent * 100.0;
    if (end == text || strcmp(end, "%") != 0 ||
        !(value >= (double)rule->low && value <= (double)rule->high)) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': %s=%s: must be a percentage from 0.01%% "
                        "to 100%%",
                        spec->text, rule->name, text);
    }
    const int number = (int)(value + 0.5);
    memcpy((char *)spec + rule->offset, &number, sizeof number);
    return TP_OK;
}

static tp_status parse_word(const key_rule *rule, const char *text,
                            tp_adapter_spec *spec, tp_diag *diag) {
    int i = 0;
    while (rule->words[i] != NULL && strcmp(rule->words[i], text) != 0) {
        i++;
    }
    if (rule->words[i] == NULL) {
        const char *all = rule->words[0];
        for (i = 1; all != NULL && rule->words[i] != NULL; i++) {
            all = tp_arena_printf(diag->arena, "%s, %s", all, rule->words[i]);
        }
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': %s=%s: must be one of: %s", spec->text,
                        rule->name, text, all != NULL ? all : "?");
    }
    memcpy((char *)spec + rule->offset, &i, sizeof i);
    return TP_OK;
}

static tp_status parse_value(const key_rule *rule, const char *text,
                             tp_adapter_spec *spec, tp_diag *diag) {
    char *end = NULL;
    const long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || value < rule->low ||
        value > rule->high) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': %s=%s: must be a number from %ld to "
                        "%ld",
                        spec->text, rule->name, text, rule->low, rule->high);
    }
    const int number = (int)value;
    memcpy((char *)spec + rule->offset, &number, sizeof number);
    return TP_OK;
}

static tp_status parse_key(char *pair, tp_adapter_spec *spec, tp_diag *diag) {
    char *equals = strchr(pair, '=');
    if (equals == NULL) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': '%s' is not key=value", spec->text,
                        pair);
    }
    *equals = '\0';
    if (!has_key(spec->kind->keys, pair)) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': %s has no key '%s'; it has: %s",
                        spec->text, spec->kind->name, pair,
                        spec->kind->keys[0] != '\0' ? spec->kind->keys
                                                    : "none");
    }
    const key_rule *rule = find_key(pair);
    if (rule == NULL) { /* the kind names a key that has no rule */
        return tp_error(diag, TP_ERR_MALFORMED, "internal: no rule for '%s'",
                        pair);
    }
    if (rule->words == NULL) {
        return parse_value(rule, equals + 1, spec, diag);
    }
    return (rule->words[0] != NULL ? parse_word : parse_percent)(
        rule, equals + 1, spec, diag);
}

static tp_status unknown_kind(tp_arena *arena, const char *text,
                              const char *kind, tp_diag *diag) {
    const char *names = tp_adapter_kinds[0]->name;
    for (int i = 1; names != NULL && i < TP_N_ADAPTER_KINDS; i++) {
        names =
            tp_arena_printf(arena, "%s, %s", names, tp_adapter_kinds[i]->name);
    }
    return names == NULL ? tp_no_memory(diag)
                         : tp_error(diag, TP_ERR_ARGUMENT,
                                    "adapter '%s': no kind '%s'; there are: %s",
                                    text, kind, names);
}

tp_status tp_adapter_parse(tp_arena *arena, const char *text,
                           tp_adapter_spec *spec, tp_diag *diag) {
    char *copy = tp_arena_copy(arena, text, strlen(text) + 1, 1);
    if (copy == NULL) {
        return tp_no_memory(diag);
    }
    char *equals = strchr(copy, '=');
    if (equals == NULL || equals == copy || equals[1] == '\0') {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': must read SLOTS=KIND[:key=value,...], "
                        "such as 'conv*=lora:rank=4'",
                        text);
    }
    *equals = '\0';
    char *kind = equals + 1;
    char *keys = strchr(kind, ':');
    if (keys != NULL) {
        *keys++ = '\0';
    }
    *spec = (tp_adapter_spec){.text = text,
                              .slots = copy,
                              .kind = find_kind(kind),
                              .bits = 8,
                              .code = 16,
                              .density = 200,
                              .seed = 1};
    if (spec->kind == NULL) {
        return unknown_kind(arena, text, kind, diag);
    }
    spec->rank = spec->kind->rank > 0 ? spec->kind->rank : 4;
    while (keys != NULL) {
        char *next = strchr(keys, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        TP_TRY(parse_key(keys, spec, diag));
        keys = next;
    }
    if (spec->bits != 8 && spec->bits != 4 && spec->bits != 2) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': bits=%d: 8, 4 and 2 (ternary) work",
                        text, spec->bits);
    }
    if (spec->keep >> spec->rank != 0) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "adapter '%s': keep=%d: rank=%d has bits up to %d",
                        text, spec->keep, spec->rank, (1 << spec->rank) - 1);
    }
    return TP_OK;
}
