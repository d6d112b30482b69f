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
