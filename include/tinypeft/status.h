/* What a fallible function says: TP_OK or why not.
 *
 * The number tells who is at fault, and so what the caller can do:
 *     0             done; outputs are written
 *    -1 ..  -15     the world (I/O, memory): retry or degrade
 *   -16 ..  -31     the bytes (model, adapter, message): reject, keep yours
 *   -32 ..  -47     the numbers (loss or gradient): this update was undone
 * Outputs are written only on TP_OK. */
#ifndef TINYPEFT_STATUS_H
#define TINYPEFT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tp_status {
    TP_OK = 0,
    TP_ERR_IO = -1,        /* a file or device failed */
    TP_ERR_NO_MEMORY = -2, /* host only: the device allocates nothing */
    TP_ERR_ARGUMENT = -3,  /* a command line or setting cannot be used */
    TP_ERR_FULL = -4,      /* no room is left in a store */
    TP_ERR_READ_ONLY = -5, /* it takes no more writes */
    TP_ERR_NOT_FOUND = -6, /* there is no such thing in it */

    TP_ERR_TRUNCATED = -16,   /* the bytes end too early */
    TP_ERR_MALFORMED = -17,   /* the bytes contradict themselves */
    TP_ERR_UNSUPPORTED = -18, /* well-formed, but nothing here runs it */
    TP_ERR_MISMATCH = -19,    /* of another model, layout or version */
    TP_ERR_CORRUPT = -20,     /* a checksum does not match */
    TP_ERR_BUDGET = -21,      /* does not fit the budget that was given */
    TP_ERR_REPLAYED = -22,    /* not newer than what is there */
    TP_ERR_SIGNATURE = -23,   /* not signed by a key that is trusted */

    TP_ERR_UNDONE = -32,  /* this update went out of range and was undone */
    TP_ERR_DIVERGED = -33 /* undone three times: training has stopped */
} tp_status;

/* The one control-flow macro: return early unless `call` is TP_OK. */
#define TP_TRY(call)                                                           \
    do {                                                                       \
        const tp_status try_status = (call);                                   \
        if (try_status != TP_OK) {                                             \
            return try_status;                                                 \
        }                                                                      \
    } while (0)

#if defined(__GNUC__)
#define TP_MUST_CHECK __attribute__((warn_unused_result))
#else
#define TP_MUST_CHECK
#endif

#ifdef __cplusplus
}
#endif
#endif
