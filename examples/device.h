/* What the firmware of examples shares: files of the host, training and what
 * that costs. A fault ends QEMU with "error WHY". */
#ifndef TP_EXAMPLES_DEVICE_H
#define TP_EXAMPLES_DEVICE_H

#include "tinypeft/train.h"

enum { TP_DEMO_MOST_SAMPLES = 256 };

/* A decimal number. */
uint32_t tp_demo_number(const char *text);

/* "FOLDER/NAMEEND", until the next call. */
const char *tp_demo_path(const char *folder, const char *name, const char *end);

/* A whole file of at most `most` bytes: how many it has. */
uint32_t tp_demo_load(const char *path, void *bytes, uint32_t most);

/* Writes the adapter's blob; blob [out] has room for it. */
void tp_demo_save(const tp_ctx *ctx, const char *path, uint8_t *blob,
                  uint32_t room);

/* The place of the largest of n values, of the first of them. */
int tp_demo_best(const int8_t *y, int n);

/* n samples, their targets, and how to train on them. */
typedef struct tp_demo_run {
    const int8_t *x;       /* [n][x_bytes] */
    const uint8_t *target; /* [n][target_bytes] */
    uint32_t n, epochs, lr_q15, seed;
    /* Called after each sample and at the end, or NULL. */
    void (*tell)(const tp_train_state *state);
} tp_demo_run;

/* The order of samples and the number of updates are those of tinypeft train,
 * so the adapter has the same bytes. */
void tp_demo_train(const tp_ctx *ctx, const tp_demo_run *run);

/* Reports "instructions INFERENCE SAMPLE BATCH": one inference, and a sample of
 * the third update, when gradients flow in every layer. */
void tp_demo_measure(const tp_ctx *ctx, const tp_demo_run *run, void *y);

#endif
