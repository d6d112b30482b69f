/* The smallest state: every sample is an update, made by kernels in the middle
 * of backward. */
#include "core/bfp.h"
#include "core/rng.h"
#include "runtime/train/sgd.h"

/* An update in the middle of backward cannot know its sample's norm. What it
 * knows is the mean norm of the samples before: steps are clipped by that, and
 * the first sample only measures. */
static void begin(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp clip = tp_bfp_of(state->config.clip_q12, 1 - 12);
    tp_bfp rate = tp_sgd_rate(state);
    if (state->mean_norm.m == 0) {
        rate = (tp_bfp){0, 0};
    } else if (tp_bfp_less(clip, state->mean_norm)) {
        rate = tp_bfp_mul(rate, tp_bfp_div(clip, state->mean_norm));
        state->clipped++;
    }
    state->online = (tp_online){
        .rate = rate, .sum = {0, 0}, .rng = tp_rng_next(&state->rng)};
}

/* mean = 15/16 mean + 1/16 norm; the first norm is the first mean. */
static void end(const tp_ctx *ctx) {
    tp_train_state *state = tp_train_state_of(ctx);
    const tp_bfp norm = tp_bfp_sqrt(state->online.sum);
    if (state->mean_norm.m == 0) {
        state->mean_norm = norm;
        return;
    }
    state->mean_norm =
        tp_bfp_add(tp_bfp_mul(state->mean_norm, tp_bfp_of(15, -4)),
                   tp_bfp_mul(norm, tp_bfp_of(1, -4)));
}

const tp_optimiser tp_optimiser_online = {.begin = begin, .end = end};
