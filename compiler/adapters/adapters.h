/* Adapter kinds: where each fits, how it rewrites the graph, how it starts.
 * One file a kind; one row each in the table of adapters.c. */
#ifndef TP_COMPILER_ADAPTERS_H
#define TP_COMPILER_ADAPTERS_H

#include "compiler/ir/ir.h"

typedef enum tp_bottleneck_mode { TP_PARALLEL, TP_SERIAL } tp_bottleneck_mode;

typedef enum tp_sparse_unit { TP_UNIT_WEIGHT, TP_UNIT_CHANNEL } tp_sparse_unit;
typedef enum tp_sparse_choice {
    TP_CHOICE_RANDOM,
    TP_CHOICE_GRADIENT, /* largest sum of |gradient| over the shots */
    TP_CHOICE_FISHER    /* largest sum of its square */
} tp_sparse_choice;

/* One parsed "SLOTS=KIND[:key=value,...]". */
typedef struct tp_adapter_spec {
    const char *text;  /* as given, for messages */
    const char *slots; /* globs over op names: * ? [abc], comma-separated */
    const struct tp_adapter_kind *kind;
    int rank;    /* low-rank branches: 1..16 */
    int bits;    /* low-rank branches: 8, 4, 2 (ternary) */
    int code;    /* hyper: 4..32 */
    int keep;    /* lora-fa: bit r where rank r is there still; 0: all */
    int seed;    /* of frozen random weights: 0..2^31-1 */
    int classes; /* head: 2..256, 0: as many as the base has */
    int act;     /* bottleneck: TP_ACT_... */
    int mode;    /* bottleneck: tp_bottleneck_mode */
    int density; /* sparse: of the places, in 1/10,000 */
    int count;   /* sparse: entries for each slot; 0: by density */
    int unit;    /* sparse: tp_sparse_unit */
    int choice;  /* sparse: tp_sparse_choice */
} tp_adapter_spec;

typedef struct tp_adapter_kind {
    const char *name;
    const char *keys;    /* accepted keys, comma-separated; may be "" */
    int rank;            /* the default of rank=; 0: 4 */
    const char *summary; /* one line for --help */
    /* NULL where the kind fits op `at`, else why it does not. */
    const char *(*misfit)(const tp_graph *graph, int at);
    /* Rewrites the graph at op `at`, where the kind fits. */
    tp_status (*insert)(tp_graph *graph, int at, const tp_adapter_spec *spec,
                        tp_diag *diag);
} tp_adapter_kind;

#define TP_N_ADAPTER_KINDS 10
extern const tp_adapter_kind *const tp_adapter_kinds[TP_N_ADAPTER_KINDS];

/* TP_ERR_ARGUMENT with a message that says which part is wrong. */
TP_MUST_CHECK tp_status tp_adapter_parse(tp_arena *arena, const char *text,
                                         tp_adapter_spec *spec, tp_diag *diag);

/* Shell-style match of an op name. */
bool tp_glob(const char *pattern, const char *name);
/* The same for a list of patterns, "conv2,dw*": any may match. */
bool tp_slots_match(tp_arena *arena, const char *slots, const char *name);

#endif
