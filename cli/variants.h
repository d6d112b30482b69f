/* The ways in which `tinypeft pack` can say an adapter, each really made. */
#ifndef TP_CLI_VARIANTS_H
#define TP_CLI_VARIANTS_H

#include "cli/branches.h"

/* As --encoding names them, without auto. */
typedef enum tp_variant_kind {
    TP_VARIANT_BLOB,
    TP_VARIANT_INT8,    /* no value changes */
    TP_VARIANT_INT4,    /* weights in 4 bits, a shift for each parameter */
    TP_VARIANT_TERNARY, /* 0, m, -m, an m for each parameter */
    TP_VARIANT_PRUNED,  /* ranks that matter least are 0 */
    TP_VARIANT_CSR,     /* weights that matter least are 0 */
    TP_VARIANTS
} tp_variant_kind;

typedef struct tp_variant {
    const char *name;
    bool possible;
    uint8_t *blob; /* as it is with this variant */
    uint8_t *payload;
    uint32_t payload_bytes;
    uint8_t *difference; /* to the adapter before; NULL: there is none */
    uint32_t difference_bytes;
    double change; /* norm of the change / norm of the weights */
} tp_variant;

typedef struct tp_variants {
    tp_session session;
    uint32_t blob_bytes;
    uint8_t *before; /* of options.from; NULL: none */
    tp_variant item[TP_VARIANTS];
} tp_variants;

/* Opens options.load and options.from, and makes all variants. */
TP_MUST_CHECK tp_status tp_variants_make(tp_cli *cli, tp_variants *out);

#endif
