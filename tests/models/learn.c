/* A whole training run, linked for the smallest core: tests/models/run looks
 * at what it drags in (no float, no heap), and at the stack it takes. */
#include "learn.h"

#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"
#include "tinypeft/adapter.h"
#include "tinypeft/train.h"

static learn_memory model_memory;
static uint8_t x[LEARN_X_BYTES];
static uint8_t y[LEARN_Y_BYTES];
static uint8_t blob[TP_BLOB_HEADER_BYTES + LEARN_ADAPTER_BYTES];

int main(void) {
    tp_train_config config = TP_TRAIN_DEFAULTS;
    const tp_ctx ctx = learn_open(&model_memory);
    config.batch = 1;
    tp_adapter_init(&ctx, 1);
    tp_status status = tp_train_begin(&ctx, &config);
    for (uint8_t i = 0; i < 2 && status == TP_OK; i++) {
        const uint8_t label = i;
        x[i] = 55;
        status = tp_train_sample(&ctx, x, &label);
    }
    if (status == TP_OK) {
        status = tp_train_end(&ctx);
    }
    ctx.model->infer(&ctx, x, y);
    if (status == TP_OK) {
        status = tp_blob_write(&ctx, blob, sizeof blob);
    }
    if (status == TP_OK) {
        status = tp_blob_read(&ctx, blob, sizeof blob);
    }
    tp_qemu_print("worst stack of training, measured: ");
    tp_qemu_print_number(tp_qemu_stack_used());
    tp_qemu_print(" bytes\n");
    return status != TP_OK;
}
