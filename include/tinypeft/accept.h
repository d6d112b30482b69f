/* Training that is kept only if it helped. Samples that are held back, and
 * never trained on, are scored before and after; an adapter that is not good
 * enough is taken back, and only a better one reaches the store.
 *
 *     tp_accept_begin(&accept, &ctx);
 *     ... train, until it is finished or fails with `status` ...
 *     tp_accept_end(&accept, &ctx, status, &accepted);
 *     if (accepted) tp_accept_save(&accept, &ctx, &store, id);
 */
#ifndef TINYPEFT_ACCEPT_H
#define TINYPEFT_ACCEPT_H

#include <stdbool.h>

#include "tinypeft/adapter.h"
#include "tinypeft/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Samples held back, of a model with classes. */
typedef struct tp_held {
    const uint8_t *x;     /* [n], one every `stride` bytes: inputs as infer
                             takes them */
    const uint8_t *label; /* [n] */
    uint32_t n;           /* at least 1 */
    uint32_t stride;      /* at least x_bytes */
    uint8_t *y;           /* [y_bytes], scratch */
    bool y_unsigned;      /* the model's output is uint8 */
} tp_held;

typedef struct tp_accept {
    const tp_held *held;
    uint32_t better; /* so many more must be right: 0, not fewer than before */
    uint8_t *blob;   /* the adapter as it was, then as it is saved */
    uint32_t capacity;
    uint32_t before, after; /* how many were right */
} tp_accept;

/* How many of the samples held back the adapter in ctx gets right. The arena is
 * used. */
uint32_t tp_accept_score(const tp_ctx *ctx, const tp_held *held);

/* Scores the adapter as it is and keeps a copy.
 *   accept  [in] held, better, blob, capacity; [out] before
 * TP_ERR_UNSUPPORTED: the model has no classes. TP_ERR_ARGUMENT: none is held
 * back. TP_ERR_TRUNCATED: capacity is below tp_blob_bytes(). */
TP_MUST_CHECK tp_status tp_accept_begin(tp_accept *accept, const tp_ctx *ctx);

/* Judges what training has made of it.
 *   trained   how it ended; anything but TP_OK is not accepted, unscored
 *   accepted  [out] false: the adapter in ctx is the one of tp_accept_begin()
 * Errors of tp_blob_read(), where the copy was damaged: load the stored one. */
TP_MUST_CHECK tp_status tp_accept_end(tp_accept *accept, const tp_ctx *ctx,
                                      tp_status trained, bool *accepted);

/* Saves the adapter that was accepted as a new generation of `id`; the one
 * before stays in the store too. Power may go at any moment: then it is there
 * or the old one is. Errors of tp_store_save(); the adapter in ctx stays. */
TP_MUST_CHECK tp_status tp_accept_save(tp_accept *accept, const tp_ctx *ctx,
                                       tp_store *store, uint32_t id);

#ifdef __cplusplus
}
#endif
#endif
