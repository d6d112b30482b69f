/* The ways in which `tinypeft pack` can say an adapter, each really made. */
#ifndef TP_CLI_PACKING_H
#define TP_CLI_PACKING_H

#include "cli/branches.h"

/* As --encoding names them, without auto. */
typedef enum tp_packing_kind {
    TP_PACKING_BLOB,
    TP_PACKING_INT8,    /* no value changes */
    TP_PACKING_INT4,    /* weights in 4 bits, a shift for each parameter */
    TP_PACKING_TERNARY, /* 0, m, -m, an m for each parameter */
    TP_PACKING_PRUNED,  /* ranks that matter least are 0 */
    TP_PACKING_CSR,     /* weights that matter least are 0 */
    TP_PACKINGS
} tp_packing_kind;

typedef struct tp_packing {
    const char *name;
    bool possible;
    uint8_t *blob; /* as it is with this packing */
    uint8_t *payload;
    uint32_t payload_bytes;
    uint8_t *difference; /* to the adapter before; NULL: there is none */
    uint32_t difference_bytes;
    double change; /* norm of the change / norm of the weights */
} tp_packing;

typedef struct tp_packings {
    tp_session session;
    uint32_t blob_bytes;
    uint8_t *before; /* of options.from; NULL: none */
    tp_packing item[TP_PACKINGS];
} tp_packings;

/* Opens options.load and options.from, and makes all packings. */
TP_MUST_CHECK tp_status tp_packings_make(tp_cli *cli, tp_packings *out);

#endif
