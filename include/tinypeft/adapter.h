/* Adapters: start, store and load. An adapter in RAM is its payload; a blob is
 * the payload behind a header that says which model and layout it is for
 * (SPEC.md gives the bytes).
 *
 * Several adapters of one model can be resident: between two inferences a
 * switch is ctx->adapter = other, where each buffer was filled by
 * tp_adapter_init() or tp_blob_read(). Inference keeps nothing of the adapter
 * before; a training run belongs to the adapter with which it began. */
#ifndef TINYPEFT_ADAPTER_H
#define TINYPEFT_ADAPTER_H

#include "tinypeft/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TP_BLOB_HEADER_BYTES 48u

/* Sets ctx->adapter to the start state: the adapted model answers with the
 * base's bytes (a new head: with equal scores).
 *   seed  of the random initial weights; same seed, same bytes everywhere */
void tp_adapter_init(const tp_ctx *ctx, uint32_t seed);

/* An empty blob of this model: its header without the two checksums, which are
 * 0 as all that follows would be. */
void tp_blob_frame(const tp_model *model, uint8_t header[TP_BLOB_HEADER_BYTES]);

/* Bytes of this model's blob. */
uint32_t tp_blob_bytes(const tp_model *model);

/* Writes the blob of ctx->adapter.
 *   blob      [out] at least tp_blob_bytes()
 *   capacity  bytes there
 * TP_ERR_TRUNCATED: capacity is too small; nothing is written. */
TP_MUST_CHECK tp_status tp_blob_write(const tp_ctx *ctx, uint8_t *blob,
                                      uint32_t capacity);

/* Checks a blob and copies its payload into ctx->adapter.
 *   TP_ERR_TRUNCATED    shorter than it says
 *   TP_ERR_MALFORMED    no blob, or a list in it does not rise
 *   TP_ERR_UNSUPPORTED  of a later format
 *   TP_ERR_MISMATCH     of another base model or another layout
 *   TP_ERR_CORRUPT      a checksum does not match
 * ctx->adapter changes only on TP_OK. */
TP_MUST_CHECK tp_status tp_blob_read(const tp_ctx *ctx, const uint8_t *blob,
                                     uint32_t bytes);

#ifdef __cplusplus
}
#endif
#endif
