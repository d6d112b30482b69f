#include "compiler/plan/cost.h"

#include <string.h>

#define UNIT 256 /* weights are in 2^-8 instructions */

/* What a kernel without a row is taken to cost: a multiply-accumulate is four
 * instructions and an output thirty, which is between the cheapest and the
 * dearest that were measured; what has no such terms is a thousand. A test
 * refuses a kernel without a row, so this serves one that is being written. */
#define DEFAULT_MAC 4
#define DEFAULT_OUTPUT 30
#define DEFAULT_STEP 1000

typedef struct row {
    tp_cost_count *count;
    uint32_t weight[TP_COST_TERMS];
} row;

static const row rows[TP_KERNEL_COUNT] = {
#define TP_COST(kernel, terms, ...)                                            \
    [TP_K_##kernel] = {tp_cost_##terms, {__VA_ARGS__}},
#include "compiler/plan/cost.def"
#undef TP_COST
};

bool tp_cost_terms(tp_kernel_id kernel, const void *desc,
                   uint64_t term[TP_COST_TERMS]) {
    memset(term, 0, TP_COST_TERMS * sizeof *term);
    term[0] = 1;
    if (rows[kernel].count == NULL) {
        return false;
    }
    rows[kernel].count(desc, term);
    return true;
}

static uint64_t default_cost(const tp_step *step) {
    uint64_t term[TP_COST_TERMS] = {0};
    if (step->type != &tp_desc_conv2d) {
        return DEFAULT_STEP;
    }
    tp_cost_conv(step->desc, term);
    return DEFAULT_MAC * (term[3] + term[5]) + DEFAULT_OUTPUT * term[6];
}

uint64_t tp_step_cost(const tp_step *step) {
    uint64_t term[TP_COST_TERMS];
    uint64_t cost = 0;
    if (!tp_cost_terms(step->kernel, step->desc, term)) {
        return default_cost(step);
    }
    for (int i = 0; i < TP_COST_TERMS; i++) {
        cost += term[i] * rows[step->kernel].weight[i];
    }
    return cost / UNIT;
}

uint64_t tp_program_cost(const tp_program *program) {
    uint64_t cost = 0;
    for (int i = 0; i < program->n_steps; i++) {
        cost += tp_step_cost(&program->step[i]);
    }
    return cost;
}

/* Which terms of a family are multiply-accumulates, a bit each. */
static const struct {
    tp_cost_count *count;
    unsigned terms;
} macs[] = {
    {tp_cost_conv, 1u << 3 | 1u << 5 | 1u << 7},
    {tp_cost_conv_dsp, 1u << 3 | 1u << 4},
    {tp_cost_fc_dsp, 1u << 2},
    {tp_cost_lora_dsp, 1u << 3},
    {tp_cost_lora_u_dsp, 1u << 3},
    {tp_cost_bwd_x_dsp, 1u << 3},
    {tp_cost_u_dsp, 1u << 3},
    {tp_cost_du_dsp, 1u << 3},
    {tp_cost_conv_bwd_x, 1u << 6 | 1u << 9},
    {tp_cost_conv_bwd_w, 1u << 4},
    {tp_cost_dwconv, 1u << 4 | 1u << 5},
    {tp_cost_dwconv_dsp, 1u << 3 | 1u << 4},
    {tp_cost_conv_scalar, 1u << 3 | 1u << 4 | 1u << 9},
    {tp_cost_dwconv_scalar, 1u << 6 | 1u << 8},
    {tp_cost_dwconv_bwd_scalar, 1u << 4},
    {tp_cost_conv_mve, 1u << 4},
    {tp_cost_dwconv_mve, 1u << 5},
    {tp_cost_dwconv_bwd_x, 1u << 5 | 1u << 6 | 1u << 7},
    {tp_cost_lora_u, 1u << 3},
    {tp_cost_lora_b, 1u << 4},
    {tp_cost_head, 1u << 2},
    {tp_cost_head_bwd_x, 1u << 3},
    {tp_cost_bottleneck, 1u << 3 | 1u << 5 | 1u << 7 | 1u << 9},
    {tp_cost_branch, 1u << 3 | 1u << 5 | 1u << 8},
    {tp_cost_vera, 1u << 2},
    {tp_cost_sparse, 1u << 3 | 1u << 5 | 1u << 9},
    {tp_cost_sparse_bwd_x, 1u << 3 | 1u << 6},
    {tp_cost_sparse_bwd_w, 1u << 2},
};

static uint64_t step_macs(const tp_step *step) {
    uint64_t term[TP_COST_TERMS];
    uint64_t sum = 0;
    (void)tp_cost_terms(step->kernel, step->desc, term);
    for (size_t i = 0; i < sizeof macs / sizeof *macs; i++) {
        for (int t = 0; t < TP_COST_TERMS; t++) {
            const bool counts = macs[i].count == rows[step->kernel].count &&
                                (macs[i].terms >> t & 1u) != 0;
            sum += counts ? term[t] : 0;
        }
    }
    return sum;
}

uint64_t tp_program_macs(const tp_program *program) {
    uint64_t sum = 0;
    for (int i = 0; i < program->n_steps; i++) {
        sum += step_macs(&program->step[i]);
    }
    return sum;
}

/* Counted under QEMU for each value of a parameter: with momentum KWS with a
 * new head of 780 values, 70,000, without it KWS with LoRA and a head of 2,698
 * values, 367,196 (before products with one factor shared a shift). Online,
 * updates are steps of the sample. */
#define MOMENTUM_VALUE 90
#define ACCUMULATE_VALUE 136

uint64_t tp_update_cost(const tp_plan *plan, uint32_t batch) {
    const uint64_t samples = batch * tp_program_cost(&plan->sample);
    switch (plan->model.state) {
    case TP_STATE_MOMENTUM:
        return samples + (uint64_t)plan->model.n_values * MOMENTUM_VALUE;
    case TP_STATE_ACCUMULATE:
        return samples + (uint64_t)plan->model.n_values * ACCUMULATE_VALUE;
    default:
        return samples;
    }
}
