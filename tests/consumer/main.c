/* A user of a compiled model: infers, learns, infers again, and tells every
 * byte. `samples.h` is written by the test. */
#include "consumer.h" /* compiled by tinypeft */
#include "samples.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

/* The host's, or the board's. */
extern void say(const char *text);

static consumer_memory memory;
static uint8_t blob[TP_BLOB_HEADER_BYTES + CONSUMER_ADAPTER_BYTES];

static void tell(const uint8_t *bytes, uint32_t n) {
    static const char digit[] = "0123456789abcdef";
    for (uint32_t i = 0; i < n; i++) {
        const char text[] = {digit[bytes[i] >> 4], digit[bytes[i] & 15], '\0'};
        say(text);
    }
}

static void infer(const tp_ctx *ctx, const char *word) {
    uint8_t y[CONSUMER_Y_BYTES];
    say(word);
    for (uint32_t i = 0; i < SAMPLES; i++) {
        ctx->model->infer(ctx, sample_x[i], y);
        tell(y, sizeof y);
    }
    say("\n");
}

static tp_status learn(const tp_ctx *ctx) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    uint16_t order[SAMPLES];
    config.batch = BATCH;
    config.updates = (EPOCHS * SAMPLES + BATCH - 1u) / BATCH;
    TP_TRY(tp_train_begin(ctx, &config));
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        tp_train_order(order, SAMPLES, config.seed, epoch);
        for (uint32_t i = 0; i < SAMPLES; i++) {
            const uint32_t at = order[i];
            TP_TRY(tp_train_sample(ctx, sample_x[at], &sample_y[at]));
        }
    }
    return tp_train_end(ctx);
}

int main(void) {
    const tp_ctx ctx = consumer_open(&memory);
    tp_adapter_init(&ctx, 1);
    infer(&ctx, "before ");
    if (learn(&ctx) != TP_OK ||
        tp_blob_write(&ctx, blob, sizeof blob) != TP_OK) {
        say("training failed\n");
        return 1;
    }
    say("adapter ");
    tell(blob, sizeof blob);
    say("\n");
    infer(&ctx, "after ");
    return 0;
}
