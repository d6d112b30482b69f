/* Arrays in NumPy's .npy format, versions 1 and 2. Only C order, and only the
 * plain little-endian number types. */
#ifndef TP_CLI_NPY_H
#define TP_CLI_NPY_H

#include <stdbool.h>
#include <stdint.h>

#include "compiler/diag.h"

#define TP_NPY_MAX_RANK 8

typedef enum tp_npy_type {
    TP_NPY_I1,
    TP_NPY_U1,
    TP_NPY_I2,
    TP_NPY_U2,
    TP_NPY_I4,
    TP_NPY_U4,
    TP_NPY_I8,
    TP_NPY_U8,
    TP_NPY_F4,
    TP_NPY_F8,
    TP_NPY_TYPE_COUNT
} tp_npy_type;

typedef struct tp_npy {
    tp_npy_type type;
    int rank;                    /* 0: a single number */
    size_t dim[TP_NPY_MAX_RANK]; /* may be 0 */
    size_t count;                /* their product */
    const uint8_t *data;         /* [count], unaligned, within the file */
} tp_npy;

/* The bytes start like a .npy file. */
bool tp_npy_is(const uint8_t *bytes, size_t n);

/*   bytes, n  [in] the file; `out` points into it
 *   name      [in] of the file, for messages
 * TP_ERR_TRUNCATED, TP_ERR_MALFORMED, TP_ERR_UNSUPPORTED. */
TP_MUST_CHECK tp_status tp_npy_read(tp_diag *diag, const char *name,
                                    const uint8_t *bytes, size_t n,
                                    tp_npy *out);

/* Element i as a real number: exact up to 2^53. */
double tp_npy_value(const tp_npy *array, size_t i);

const char *tp_npy_type_name(tp_npy_type type); /* "int8" */
size_t tp_npy_type_bytes(tp_npy_type type);

/* "(1000, 490)" */
const char *tp_npy_shape(tp_arena *arena, const tp_npy *array);

#endif
