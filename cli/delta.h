/* Deltas and blobs as the commands read them, and how what is wrong is said. */
#ifndef TP_CLI_DELTA_H
#define TP_CLI_DELTA_H

#include "cli/cli.h"
#include "cli/json.h"
#include "fleet/pack/package.h"

/* More bytes than any adapter has. */
#define TP_DELTA_LIMIT ((size_t)1 << 24)

typedef struct tp_delta {
    const char *path;
    tp_bytes bytes;
    tp_package package; /* not of a blob */
    bool is_blob;
} tp_delta;

/* A delta, signed or not. */
TP_MUST_CHECK tp_status tp_delta_read(tp_cli *cli, const char *path,
                                      tp_delta *out);

/* A delta or a blob. Of a blob only its header is checked, and its length. */
TP_MUST_CHECK tp_status tp_delta_read_any(tp_cli *cli, const char *path,
                                          tp_delta *out);

/* The blob of either; of a difference to options.from. */
TP_MUST_CHECK tp_status tp_delta_blob(tp_cli *cli, const tp_delta *delta,
                                      tp_bytes *blob);

/* Is the delta signed by the public key in options.key? */
TP_MUST_CHECK tp_status tp_delta_verify(tp_cli *cli, const tp_delta *delta);

/* "ES256", "HSS/LMS", ... */
const char *tp_algorithm_name(int32_t algorithm);

/* "blob", "segments", "difference" */
const char *tp_encoding_name(uint32_t encoding);

/* n bytes as hexadecimal digits. */
const char *tp_text_hex(tp_arena *arena, const uint8_t *bytes, size_t n);

#endif
