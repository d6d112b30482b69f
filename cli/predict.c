#define _POSIX_C_SOURCE 200809L

#include "cli/predict.h"

#include <pthread.h>
#include <string.h>

typedef struct share {
    const tp_ctx *ctx;
    const int8_t *x;
    int8_t *y;
    size_t begin, end;
    tp_progress *progress; /* of the first share only */
} share;

tp_status tp_workers_open(tp_diag *diag, const tp_interpreter *interpreter,
                          int n, tp_workers *workers) {
    workers->n = n;
    for (int i = 0; i < n; i++) {
        const tp_status status =
            tp_interpreter_open(diag->arena, interpreter, &workers->ctx[i]);
        if (status != TP_OK) {
            return tp_error(diag, status, "out of memory for %d threads", n);
        }
    }
    return TP_OK;
}

static void *infer_share(void *argument) {
    const share *s = argument;
    const tp_model *model = s->ctx->model;
    for (size_t i = s->begin; i < s->end; i++) {
        model->infer(s->ctx, s->x + i * model->x_bytes,
                     s->y + i * model->y_bytes);
        if (s->progress != NULL && tp_progress_due(s->progress)) {
            tp_progress_draw(s->progress, i - s->begin, s->end - s->begin, "");
        }
    }
    return NULL;
}

void tp_workers_infer(tp_workers *workers, const uint8_t *adapter,
                      const tp_samples *x, int8_t *y, tp_progress *progress) {
    share shares[TP_THREADS_MAX];
    pthread_t thread[TP_THREADS_MAX];
    bool running[TP_THREADS_MAX] = {false};
    const size_t n = workers->n > 1 ? (size_t)workers->n : 1;
    for (size_t i = 0; i < n; i++) {
        const tp_ctx *ctx = &workers->ctx[i];
        if (adapter != NULL && ctx->adapter != NULL) {
            memcpy(ctx->adapter, adapter, ctx->model->adapter_bytes);
        }
        shares[i] = (share){ctx,
                            x->data,
                            y,
                            x->n * i / n,
                            x->n * (i + 1) / n,
                            i == 0 ? progress : NULL};
    }
    for (size_t i = 1; i < n; i++) {
        running[i] =
            pthread_create(&thread[i], NULL, infer_share, &shares[i]) == 0;
    }
    (void)infer_share(&shares[0]);
    for (size_t i = 1; i < n; i++) {
        if (running[i]) {
            (void)pthread_join(thread[i], NULL);
        } else { /* the system gave no thread: this one does its work */
            (void)infer_share(&shares[i]);
        }
    }
}

size_t tp_argmax(const tp_port *port, const int8_t *y) {
    size_t best = 0;
    for (size_t i = 1; i < port->count; i++) {
        if (tp_port_value(port, y[i]) > tp_port_value(port, y[best])) {
            best = i;
        }
    }
    return best;
}

/* 2^31 values (the limit of a file) times 255^2 stays below 2^47. */
uint64_t tp_square_error(const tp_port *port, const int8_t *y,
                         const int8_t *target) {
    uint64_t sum = 0;
    for (size_t i = 0; i < port->count; i++) {
        const int32_t difference =
            tp_port_value(port, y[i]) - tp_port_value(port, target[i]);
        sum += (uint64_t)(difference * difference);
    }
    return sum;
}
