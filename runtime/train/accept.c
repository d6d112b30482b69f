#include "tinypeft/accept.h"

#include <string.h>

/* The first of the best scores. */
static uint32_t best(const tp_held *held, uint32_t n) {
    const uint8_t flip = held->y_unsigned ? 0 : 0x80; /* int8 in order */
    uint32_t found = 0;
    for (uint32_t i = 1; i < n; i++) {
        if ((held->y[i] ^ flip) > (held->y[found] ^ flip)) {
            found = i;
        }
    }
    return found;
}

uint32_t tp_accept_score(const tp_ctx *ctx, const tp_held *held) {
    uint32_t right = 0;
    for (uint32_t i = 0; i < held->n; i++) {
        ctx->model->infer(ctx, held->x + (size_t)i * held->stride, held->y);
        right += best(held, ctx->model->classes) == held->label[i] ? 1u : 0u;
    }
    return right;
}

tp_status tp_accept_begin(tp_accept *accept, const tp_ctx *ctx) {
    if (ctx->model->classes == 0) {
        return TP_ERR_UNSUPPORTED;
    }
    if (accept->held->n == 0) {
        return TP_ERR_ARGUMENT;
    }
    TP_TRY(tp_blob_write(ctx, accept->blob, accept->capacity));
    accept->before = tp_accept_score(ctx, accept->held);
    accept->after = 0;
    return TP_OK;
}

/* A run that ended badly leaves an adapter that nobody vouches for. */
tp_status tp_accept_end(tp_accept *accept, const tp_ctx *ctx, tp_status trained,
                        bool *accepted) {
    *accepted = false;
    if (trained == TP_OK) {
        accept->after = tp_accept_score(ctx, accept->held);
        if (accept->after >= accept->before &&
            accept->after - accept->before >= accept->better) {
            *accepted = true;
            return TP_OK;
        }
    }
    return tp_blob_read(ctx, accept->blob, tp_blob_bytes(ctx->model));
}

tp_status tp_accept_save(tp_accept *accept, const tp_ctx *ctx, tp_store *store,
                         uint32_t id) {
    const tp_model *model = ctx->model;
    tp_record record = {.kind = TP_RECORD_ADAPTER,
                        .id = id,
                        .bytes = tp_blob_bytes(model),
                        .layout = model->layout_id};
    memcpy(record.base, model->base_sha256, sizeof record.base);
    TP_TRY(tp_blob_write(ctx, accept->blob, accept->capacity));
    return tp_store_save(store, &record, accept->blob);
}
