/* The adapter as stored bytes; SPEC.md, "Adapter blob". */
#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "tinypeft/adapter.h"

#define MAGIC 0x41505054u /* "TPPA" */

/* Offsets in the header. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_FLAGS = 6,
    AT_LAYOUT = 8,
    AT_LENGTH = 12,
    AT_BASE = 16,
    AT_RESERVED = 32,
    AT_PAYLOAD_CRC = 40,
    AT_HEADER_CRC = 44
};

#define BASE_BYTES 16u /* of the base's SHA-256 */

uint32_t tp_blob_bytes(const tp_model *model) {
    return TP_BLOB_HEADER_BYTES + model->adapter_bytes;
}

void tp_blob_frame(const tp_model *model,
                   uint8_t header[TP_BLOB_HEADER_BYTES]) {
    memset(header, 0, TP_BLOB_HEADER_BYTES);
    tp_put_u32(header + AT_MAGIC, MAGIC);
    tp_put_u16(header + AT_FORMAT, TP_BLOB_FORMAT);
    tp_put_u32(header + AT_LAYOUT, model->layout_id);
    tp_put_u32(header + AT_LENGTH, model->adapter_bytes);
    memcpy(header + AT_BASE, model->base_sha256, BASE_BYTES);
}

tp_status tp_blob_write(const tp_ctx *ctx, uint8_t *blob, uint32_t capacity) {
    const tp_model *model = ctx->model;
    if (capacity < tp_blob_bytes(model)) {
        return TP_ERR_TRUNCATED;
    }
    tp_blob_frame(model, blob);
    tp_put_u32(blob + AT_PAYLOAD_CRC,
               tp_crc32(0, ctx->adapter, model->adapter_bytes));
    tp_put_u32(blob + AT_HEADER_CRC, tp_crc32(0, blob, AT_HEADER_CRC));
    memcpy(blob + TP_BLOB_HEADER_BYTES, ctx->adapter, model->adapter_bytes);
    return TP_OK;
}

static tp_status check_header(const tp_model *model, const uint8_t *blob,
                              uint32_t bytes) {
    if (bytes < TP_BLOB_HEADER_BYTES) {
        return TP_ERR_TRUNCATED;
    }
    if (tp_get_u32(blob + AT_MAGIC) != MAGIC) {
        return TP_ERR_MALFORMED;
    }
    if (tp_get_u32(blob + AT_HEADER_CRC) != tp_crc32(0, blob, AT_HEADER_CRC)) {
        return TP_ERR_CORRUPT;
    }
    if (tp_get_u16(blob + AT_FORMAT) != TP_BLOB_FORMAT ||
        tp_get_u16(blob + AT_FLAGS) != 0) {
        return TP_ERR_UNSUPPORTED;
    }
    if (memcmp(blob + AT_BASE, model->base_sha256, BASE_BYTES) != 0 ||
        tp_get_u32(blob + AT_LAYOUT) != model->layout_id ||
        tp_get_u32(blob + AT_LENGTH) != model->adapter_bytes) {
        return TP_ERR_MISMATCH;
    }
    return TP_OK;
}

/* A list that does not rise, or leaves its limit, would have kernels read
 * beside the weights. */
static tp_status check_indices(const tp_model *model, const uint8_t *payload) {
    for (uint32_t i = 0; i < model->n_indices; i++) {
        const tp_index *index = &model->indices[i];
        uint32_t least = 0;
        for (uint32_t n = 0; n < index->count; n++) {
            const uint32_t v = tp_get_u16(payload + index->adapter + 2 * n);
            if (v < least || v >= index->limit) {
                return TP_ERR_MALFORMED;
            }
            least = v + 1;
        }
    }
    return TP_OK;
}

tp_status tp_blob_read(const tp_ctx *ctx, const uint8_t *blob, uint32_t bytes) {
    const tp_model *model = ctx->model;
    TP_TRY(check_header(model, blob, bytes));
    if (bytes < tp_blob_bytes(model)) {
        return TP_ERR_TRUNCATED;
    }
    if (bytes > tp_blob_bytes(model)) {
        return TP_ERR_MALFORMED;
    }
    const uint8_t *payload = blob + TP_BLOB_HEADER_BYTES;
    if (tp_get_u32(blob + AT_PAYLOAD_CRC) !=
        tp_crc32(0, payload, model->adapter_bytes)) {
        return TP_ERR_CORRUPT;
    }
    TP_TRY(check_indices(model, payload));
    memcpy(ctx->adapter, payload, model->adapter_bytes);
    return TP_OK;
}
