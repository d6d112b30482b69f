#include "tests/unit/toy_model.h"

#include <string.h>

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    (void)x;
    memcpy(y, ctx->adapter, ctx->model->y_bytes);
}

static void sample(const tp_ctx *ctx, tp_slice *slice) {
    static const uint32_t cost[1] = {1};
    const toy_sample *s = slice->x;
    const tp_param *param = ctx->model->params;
    tp_q32 *w = (tp_q32 *)(void *)(ctx->train + param[0].grad);
    tp_q32 *b = (tp_q32 *)(void *)(ctx->train + param[1].grad);
    w->e = -8;
    b->e = -7;
    for (int i = 0; i < TOY_W; i++) {
        w->v[i] += s->grad[i];
    }
    for (int i = 0; i < TOY_B; i++) {
        b->v[i] += s->grad[TOY_W + i]; /* unit 1/2 times 2^-7 */
    }
    *slice->loss = s->loss;
    tp_slice_next(slice, cost);
}

void toy_open(toy *t) {
    memset(t, 0, sizeof *t);
    uint32_t at = (sizeof(tp_train_state) + 7u) & ~7u;
    t->param[0] = (tp_param){.name = "w",
                             .count = TOY_W,
                             .adapter = 0,
                             .grad = at + 8,
                             .type = TP_PARAM_Q8,
                             .init = TP_INIT_GAUSS,
                             .init_std = 4096,
                             .unit = {1 << 30, 1}};
    t->param[1] = (tp_param){.name = "b",
                             .count = TOY_B,
                             .adapter = 8,
                             .grad = at + 28,
                             .master = TOY_W,
                             .type = TP_PARAM_S16,
                             .unit = {1 << 30, 0}};
    t->model = (tp_model){.name = "toy",
                          .layout_id = 77,
                          .adapter_bytes = 16,
                          .x_bytes = sizeof(toy_sample),
                          .y_bytes = 16,
                          .target_bytes = 1,
                          .n_params = 2,
                          .n_values = TOY_VALUES,
                          .n_gscale = 1,
                          .n_steps = 1,
                          .state = TP_STATE_MOMENTUM,
                          .optimiser = &tp_optimiser_momentum,
                          .params = t->param,
                          .classes = 2,
                          .loss_floor = 65536,
                          .infer = infer,
                          .sample = sample};
    t->model.layout = (tp_train_layout){.gscale = at,
                                        .grads = at + 8,
                                        .grads_bytes = 36,
                                        .master = at + 44,
                                        .momentum = at + 60,
                                        .checkpoint = at + 76};
    t->model.train_bytes = (at + 76 + 16 + 7) & ~7u;
    t->ctx = (tp_ctx){.model = &t->model,
                      .arena = t->arena,
                      .adapter = t->adapter,
                      .train = t->train};
}
