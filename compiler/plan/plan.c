#include "compiler/plan/plan.h"

#include <math.h>
#include <string.h>

#include "compiler/plan/check.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/program.h"
#include "core/crc32.h"
#include "tinypeft/train.h"

static uint32_t align(uint32_t n, uint32_t to) {
    return (n + to - 1) / to * to;
}

/* Kernels add to an accumulator. One that is not part of the training state,
 * and so was not cleared by an update, starts at zero here. */
static tp_status clear_accumulator(tp_lower *lower, const tp_op *op) {
    const tp_tensor *t = &lower->graph->tensor[op->out];
    if (t->dtype != TP_Q32 || t->role != TP_VALUE) {
        return TP_OK;
    }
    const tp_fill d = {.n = (int32_t)tp_tensor_bytes(t)};
    const tp_arg args[] = {tp_arg_tensor(op->out)};
    return tp_lower_step(lower, TP_K_fill_s8_fwd_ref, &tp_desc_fill, &d, args);
}

/* Every op to its kernel calls; constants that are arguments are registered
 * like those in descriptors. */
static tp_status lower_all(tp_lower *lower) {
    const tp_graph *graph = lower->graph;
    for (int i = 0; i < graph->n_ops; i++) {
        const tp_opdef *def = tp_opdef_of(graph->op[i].kind);
        const int first = lower->n_steps;
        lower->op = i;
        if (def->lower != NULL) {
            TP_TRY(clear_accumulator(lower, &graph->op[i]));
            TP_TRY(def->lower(lower, &graph->op[i]));
        }
        for (int s = first; s < lower->n_steps; s++) {
            for (int a = 0; a < lower->step[s].n_args; a++) {
                tp_arg *arg = &lower->step[s].arg[a];
                if (arg->kind != TP_ARG_TENSOR || arg->tensor < 0 ||
                    graph->tensor[arg->tensor].role != TP_CONST) {
                    continue;
                }
                const tp_tensor *t = &graph->tensor[arg->tensor];
                const void *data = tp_lower_const(
                    lower, t->dtype, t->data, (size_t)tp_tensor_count(t),
                    t->dtype == TP_S32 ? "b" : "c");
                if (data == NULL) {
                    return tp_no_memory(lower->diag);
                }
                *arg = tp_arg_const(data);
            }
        }
    }
    return TP_OK;
}

static tp_status number_gscales(const tp_lower *lower, tp_plan *plan) {
    const size_t n = (size_t)lower->graph->n_tensors;
    int *gscale = tp_arena_alloc(lower->arena, n, sizeof *gscale);
    if (gscale == NULL) {
        return tp_no_memory(lower->diag);
    }
    memset(gscale, -1, n * sizeof *gscale);
    for (int s = 0; s < lower->n_steps; s++) {
        for (int a = 0; a < lower->step[s].n_args; a++) {
            const tp_arg *arg = &lower->step[s].arg[a];
            if (arg->kind == TP_ARG_GSCALE && gscale[arg->tensor] < 0) {
                gscale[arg->tensor] = (int)plan->model.n_gscale++;
            }
        }
    }
    plan->gscale = gscale;
    return TP_OK;
}

/* --- parameters: adapter and training state ------------------------------- */

static int grad_of(const tp_graph *graph, int param) {
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].role == TP_GRAD &&
            graph->tensor[i].train.param == param &&
            tp_graph_producer(graph, i) >= 0) {
            return i;
        }
    }
    return -1;
}

/* What makes two adapters interchangeable: names, types and shapes of the
 * parameters, in order. */
static uint32_t layout_add(uint32_t crc, const tp_tensor *t) {
    crc = tp_crc32(crc, t->name, strlen(t->name) + 1);
    const uint8_t type[2] = {(uint8_t)t->dtype, (uint8_t)t->rank};
    crc = tp_crc32(crc, type, sizeof type);
    for (int i = 0; i < t->rank; i++) {
        const uint32_t dim = (uint32_t)t->dim[i];
        const uint8_t le[4] = {(uint8_t)dim, (uint8_t)(dim >> 8),
                               (uint8_t)(dim >> 16), (uint8_t)(dim >> 24)};
        crc = tp_crc32(crc, le, sizeof le);
    }
    return crc;
}

/* Weights that ops compute belong to the adapter as much as those it stores:
 * trained beside one seed, it is nothing beside another. */
static uint32_t layout_add_derived(uint32_t crc, const tp_graph *graph) {
    for (int i = 0; i < graph->first_backward; i++) {
        const tp_op *op = &graph->op[i];
        if (tp_opdef_of(op->kind)->derived) {
            const char *text =
                tp_arena_printf(graph->arena, "%s %d %d %.9g",
                                tp_kind_name(op->kind), (int)op->attr.value,
                                (int)op->attr.seed, (double)op->attr.alpha);
            crc = layout_add(crc, &graph->tensor[op->out]);
            crc = text != NULL ? tp_crc32(crc, text, strlen(text) + 1) : crc;
        }
    }
    return crc;
}

static tp_param_type type_of(const tp_tensor *t) {
    return t->dtype == TP_Q8   ? TP_PARAM_Q8
           : t->dtype == TP_Q4 ? TP_PARAM_Q4
           : t->dtype == TP_Q2 ? TP_PARAM_Q2
                               : TP_PARAM_S16;
}

static void add_param(tp_model *model, const tp_tensor *t, tp_param *param,
                      tp_address *address) {
    const uint32_t bytes = align((uint32_t)tp_tensor_bytes(t), 4);
    *param =
        (tp_param){.name = t->name,
                   .count = (uint32_t)tp_tensor_count(t),
                   .adapter = model->adapter_bytes,
                   .master = model->n_values,
                   .type = (uint8_t)type_of(t),
                   .init = (uint8_t)t->train.init,
                   .init_std = (uint16_t)lround(ldexp(t->train.init_std, 13))};
    if (param->type >= TP_PARAM_Q4) {
        const int axis = t->quant.axis;
        param->packing = &tp_packing_few_bits;
        param->ranks = (uint32_t)t->dim[axis];
        param->stride = 1;
        for (int i = axis + 1; i < t->rank; i++) {
            param->stride *= (uint32_t)t->dim[i];
        }
    }
    address->offset = model->adapter_bytes;
    model->adapter_bytes += bytes;
    model->n_values += param->count;
    model->layout_id = layout_add(model->layout_id, t);
    model->n_params++;
}

/* With momentum: int16 masters, numbered through. Accumulating: their low
 * bytes, tensor by tensor. */
static uint32_t master_bytes(const tp_model *model, tp_param *params) {
    uint32_t bytes = 0;
    if (model->state == TP_STATE_MOMENTUM) {
        return align(2 * model->n_values, 4);
    }
    for (uint32_t i = 0; i < model->n_params; i++) {
        params[i].master = model->layout.master + bytes;
        bytes += align(params[i].count, 4);
    }
    return bytes;
}

/* What the gradients are spent on says what the state is. */
static tp_state_kind state_of(const tp_graph *graph) {
    for (int i = graph->first_backward; i < graph->n_ops; i++) {
        if (graph->op[i].kind == TP_OP_SGD ||
            graph->op[i].kind == TP_OP_BIAS_SGD ||
            graph->op[i].kind == TP_OP_HEAD_SGD) {
            return TP_STATE_ONLINE;
        }
        if (graph->op[i].kind == TP_OP_ACCUMULATE) {
            return TP_STATE_ACCUMULATE;
        }
    }
    return TP_STATE_MOMENTUM;
}

static void lay_out_training(tp_model *model, tp_param *params,
                             const tp_graph *graph, const int *grad,
                             tp_address *address) {
    tp_train_layout *layout = &model->layout;
    uint32_t at = align((uint32_t)sizeof(tp_train_state), 8);
    layout->gscale = at;
    at += model->n_gscale * (uint32_t)sizeof(tp_gscale);
    layout->grads = at;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_tensor *t = &graph->tensor[grad[i]];
        params[i].grad = at;
        params[i].unit = tp_factor_of(t->train.unit);
        address[grad[i]].offset = at;
        at += align((uint32_t)tp_tensor_bytes(t), 4);
    }
    const uint32_t grads = at - layout->grads;
    if (model->state == TP_STATE_ONLINE) { /* low bytes, not gradients */
        layout->master = layout->grads;
    } else {
        layout->grads_bytes = grads;
        layout->master = at;
        at += master_bytes(model, params);
    }
    for (uint32_t i = 0; model->state == TP_STATE_ONLINE && i < model->n_params;
         i++) {
        params[i].master = params[i].grad;
    }
    if (model->state == TP_STATE_MOMENTUM) {
        layout->momentum = at;
        at += align(2 * model->n_values, 4);
        layout->checkpoint = at;
        at += model->adapter_bytes;
    }
    model->train_bytes = align(at, TP_ALIGN);
}

static void add_index(tp_model *model, const tp_tensor *t, tp_index *index,
                      tp_address *address) {
    *index = (tp_index){.name = t->name,
                        .count = (uint32_t)tp_tensor_count(t),
                        .limit = (uint32_t)t->train.limit,
                        .adapter = model->adapter_bytes};
    address->offset = model->adapter_bytes;
    model->adapter_bytes += align((uint32_t)tp_tensor_bytes(t), 4);
    model->layout_id = layout_add(model->layout_id, t);
    model->n_indices++;
}

static const tp_optimiser *const optimisers[] = {
    [TP_STATE_MOMENTUM] = &tp_optimiser_momentum,
    [TP_STATE_ACCUMULATE] = &tp_optimiser_accumulate,
    [TP_STATE_ONLINE] = &tp_optimiser_online};

static tp_status lay_out(tp_arena *arena, tp_plan *plan, tp_address *address,
                         tp_diag *diag) {
    const tp_graph *graph = plan->graph;
    tp_model *model = &plan->model;
    const size_t n = (size_t)graph->n_tensors;
    tp_param *params = tp_arena_alloc(arena, n, sizeof *params);
    tp_index *indices = tp_arena_alloc(arena, n, sizeof *indices);
    int *grad = tp_arena_alloc(arena, n, sizeof *grad);
    if (params == NULL || indices == NULL || grad == NULL) {
        return tp_no_memory(diag);
    }
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].dtype == TP_U16 && tp_graph_uses(graph, i) > 0) {
            add_index(model, &graph->tensor[i], &indices[model->n_indices],
                      &address[i]);
        }
        if (graph->tensor[i].role == TP_PARAM && grad_of(graph, i) >= 0) {
            grad[model->n_params] = grad_of(graph, i);
            add_param(model, &graph->tensor[i], &params[model->n_params],
                      &address[i]);
        }
    }
    model->params = params;
    model->indices = indices;
    model->state = state_of(graph);
    model->layout_id = layout_add_derived(model->layout_id, graph);
    model->adapter_bytes = align(model->adapter_bytes, TP_ALIGN);
    if (model->n_params > 0) {
        model->optimiser = optimisers[model->state];
        lay_out_training(model, params, graph, grad, address);
    }
    return TP_OK;
}

/* --- programs ------------------------------------------------------------- */

/* Where the latent values lie in a kept sample. */
static bool place_latent(const tp_graph *graph, tp_address *address) {
    uint32_t at = 0;
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].latent) {
            address[i].offset = at;
            at += align((uint32_t)tp_tensor_bytes(&graph->tensor[i]), TP_ALIGN);
        }
    }
    return at > 0;
}

static tp_status make_sample(tp_program_order *order, tp_plan *plan) {
    tp_graph_trained(plan->graph, order->wanted);
    order->y = -1;
    order->latent = TP_LATENT_READ;
    order->beside = tp_plan_ram(plan); /* that has no arena yet */
    return tp_program_make(order, &plan->sample);
}

static tp_status make_keep(tp_program_order *order, tp_plan *plan) {
    const tp_graph *graph = plan->graph;
    for (int i = 0; i < graph->n_tensors; i++) {
        order->wanted[i] = graph->tensor[i].latent;
    }
    order->y = -1;
    order->latent = TP_LATENT_MADE;
    order->beside = 0;
    return tp_program_make(order, &plan->keep);
}

static tp_status make_infer(tp_program_order *order, tp_plan *plan) {
    const tp_graph *graph = plan->graph;
    memset(order->wanted, 0, (size_t)graph->n_tensors * sizeof *order->wanted);
    order->wanted[graph->output] = true;
    order->y = graph->output;
    order->latent = TP_LATENT_VALUE;
    order->beside = 0;
    return tp_program_make(order, &plan->infer);
}

/* That of training first: whether the plan is worth it is known by its bound.
 */
static tp_status make_programs(const tp_lower *lower, tp_address *fixed,
                               const tp_plan_options *options, tp_plan *plan) {
    tp_program_order order = {
        .lower = lower,
        .options = options,
        .wanted = tp_arena_alloc(lower->arena, (size_t)plan->graph->n_tensors,
                                 sizeof *order.wanted),
        .fixed = fixed};
    if (order.wanted == NULL) {
        return tp_no_memory(lower->diag);
    }
    const bool latent = place_latent(plan->graph, fixed);
    if (plan->model.n_params > 0) {
        TP_TRY(make_sample(&order, plan));
    }
    if (plan->model.n_params > 0 && latent) {
        TP_TRY(make_keep(&order, plan));
    }
    return make_infer(&order, plan);
}

/* --- regions -------------------------------------------------------------- */

/* The regions of the options, the fastest first. */
static tp_status sort_regions(const tp_plan_options *options, tp_plan *plan,
                              tp_diag *diag) {
    if (options->n_regions > TP_MAX_REGIONS) {
        return tp_error(diag, TP_ERR_ARGUMENT,
                        "--region: %d of them; at most %d work",
                        options->n_regions, TP_MAX_REGIONS);
    }
    for (int i = 0; i < options->n_regions; i++) {
        int at = i;
        for (; at > 0 && plan->region[at - 1].rank > options->region[i].rank;
             at--) {
            plan->region[at] = plan->region[at - 1];
        }
        plan->region[at] = options->region[i];
    }
    plan->n_regions = options->n_regions;
    return TP_OK;
}

static uint32_t larger(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

enum { PROGRAMS = 3 };

/* What the largest program takes of region r. */
static uint32_t most_of(tp_program *const program[PROGRAMS], int r) {
    uint32_t bytes = 0;
    for (int k = 0; k < PROGRAMS; k++) {
        bytes = larger(bytes, program[k]->region_bytes[r]);
    }
    return bytes;
}

/* Drops the regions that no program uses, but the last of them all. */
static void drop_unused(tp_plan *plan, tp_program *const program[PROGRAMS],
                        int to[TP_MAX_REGIONS]) {
    int kept = 0;
    for (int r = 0; r < plan->n_regions; r++) {
        const bool used =
            most_of(program, r) > 0 || (kept == 0 && r + 1 == plan->n_regions);
        to[r] = kept;
        plan->region[kept] = plan->region[r];
        for (int k = 0; k < PROGRAMS; k++) {
            program[k]->region_bytes[kept] = program[k]->region_bytes[r];
        }
        kept += used ? 1 : 0;
    }
    plan->n_regions = kept;
}

static void lay_out_address(const tp_plan *plan, const int to[TP_MAX_REGIONS],
                            tp_address *address) {
    if (address->place == TP_PLACE_ARENA) {
        address->region = to[address->region];
        address->offset += plan->region[address->region].start;
    }
}

/* Offsets in a region become offsets in the arena, where its parts stand one
 * after the other; all programs have the same parts. */
static void lay_out_regions(tp_plan *plan) {
    int to[TP_MAX_REGIONS] = {0};
    tp_program *const program[PROGRAMS] = {&plan->infer, &plan->sample,
                                           &plan->keep};
    uint32_t start = 0;
    drop_unused(plan, program, to);
    for (int r = 0; r < plan->n_regions; r++) {
        plan->region[r].start = start;
        plan->model.region[r] = align(larger(most_of(program, r), 1), TP_ALIGN);
        start += plan->model.region[r];
    }
    for (int k = 0; k < PROGRAMS; k++) {
        tp_program *p = program[k];
        p->arena_bytes = plan->n_regions > 0 ? start : p->region_bytes[0];
        for (int i = 0; p->address != NULL && i < plan->graph->n_tensors; i++) {
            lay_out_address(plan, to, &p->address[i]);
        }
        for (int i = 0; i < p->n_steps; i++) {
            lay_out_address(plan, to, &p->scratch[i]);
        }
    }
}

/* What each step of a sample costs, for slices. */
static tp_status estimate(const tp_lower *lower, tp_plan *plan) {
    const int n = plan->sample.n_steps;
    uint32_t *cost = tp_arena_alloc(lower->arena, (size_t)n + 1, sizeof *cost);
    if (cost == NULL) {
        return tp_no_memory(lower->diag);
    }
    for (int i = 0; i < n; i++) {
        const uint64_t step = tp_step_cost(&plan->sample.step[i]);
        cost[i] = step < UINT32_MAX ? (uint32_t)step : UINT32_MAX;
    }
    plan->model.cost = cost;
    plan->model.n_steps = (uint32_t)n;
    return TP_OK;
}

/* Chance level of the classes: a cross-entropy below it is never taken for
 * divergence. */
static int32_t loss_floor(uint32_t classes) {
    return classes > 0 ? (int32_t)lround(65536.0 * log((double)classes)) : 0;
}

static void describe_model(tp_plan *plan) {
    const tp_graph *graph = plan->graph;
    tp_model *model = &plan->model;
    model->name = graph->name;
    memcpy(model->base_sha256, graph->sha256, sizeof model->base_sha256);
    uint32_t infer = 0;
    for (int r = 0; r < TP_MAX_REGIONS; r++) {
        infer += align(plan->infer.region_bytes[r], TP_ALIGN);
    }
    model->infer_bytes = infer > 0 ? infer : TP_ALIGN; /* no int[0] */
    model->arena_bytes =
        larger(model->infer_bytes,
               align(larger(plan->sample.arena_bytes, plan->keep.arena_bytes),
                     TP_ALIGN));
    model->x_bytes = (uint32_t)tp_tensor_bytes(&graph->tensor[graph->input]);
    model->y_bytes = (uint32_t)tp_tensor_bytes(&graph->tensor[graph->output]);
    for (int i = 0; i < graph->n_tensors; i++) {
        if (graph->tensor[i].role == TP_TARGET) {
            const tp_tensor *t = &graph->tensor[i];
            const int64_t n = tp_tensor_count(&graph->tensor[graph->logits]);
            model->target_bytes = (uint32_t)tp_tensor_bytes(t);
            model->classes = t->dtype == TP_U8 ? (uint32_t)n : 0;
        }
    }
    model->loss_floor = loss_floor(model->classes);
}

static void count_flash(const tp_lower *lower, tp_plan *plan) {
    for (int i = 0; i < lower->n_constants; i++) {
        plan->flash_constants += (uint32_t)tp_const_bytes(&lower->constant[i]);
    }
    for (int i = 0; i < plan->graph->n_tensors; i++) {
        const tp_tensor *t = &plan->graph->tensor[i];
        if (t->role == TP_CONST && tp_graph_uses(plan->graph, i) > 0) {
            plan->flash_weights += (uint32_t)tp_tensor_bytes(t);
        }
    }
}

tp_status tp_plan_make(tp_arena *arena, const tp_graph *graph,
                       const tp_plan_options *options, tp_plan *plan,
                       tp_diag *diag) {
    tp_plan made = {.graph = graph, .isa = options != NULL ? options->isa : 0};
    tp_plan_options used = options != NULL ? *options : (tp_plan_options){0};
    tp_lower lower = {
        .graph = graph, .arena = arena, .diag = diag, .isa = used.isa};
    tp_address *fixed =
        tp_arena_alloc(arena, (size_t)graph->n_tensors, sizeof *fixed);
    if (fixed == NULL) {
        return tp_no_memory(diag);
    }
    TP_TRY(lower_all(&lower));
    TP_TRY(number_gscales(&lower, &made));
    TP_TRY(lay_out(arena, &made, fixed, diag));
    made.samples = used.samples;
    if (made.model.n_params > 0) {
        made.model.sample_bytes = tp_sample_bytes(graph);
    }
    TP_TRY(sort_regions(&used, &made, diag));
    used.region = made.region;
    TP_TRY(make_programs(&lower, fixed, &used, &made));
    lay_out_regions(&made);
    TP_TRY(tp_program_check(graph, &made.infer, diag));
    TP_TRY(tp_program_check(graph, &made.sample, diag));
    TP_TRY(tp_program_check(graph, &made.keep, diag));
    TP_TRY(tp_keep_check(graph, &made.keep, &made.sample, diag));
    TP_TRY(estimate(&lower, &made));
    made.constant = lower.constant;
    made.n_constants = lower.n_constants;
    describe_model(&made);
    count_flash(&lower, &made);
    *plan = made;
    return TP_OK;
}

uint32_t tp_plan_ram(const tp_plan *plan) {
    const tp_model *m = &plan->model;
    const uint64_t ram = (uint64_t)plan->samples * m->sample_bytes +
                         m->arena_bytes + m->adapter_bytes + m->train_bytes;
    return ram < UINT32_MAX ? (uint32_t)ram : UINT32_MAX;
}

const char *tp_plan_peak(const tp_plan *plan, uint32_t *bytes) {
    const tp_program *p = plan->sample.peak_bytes > plan->infer.peak_bytes
                              ? &plan->sample
                              : &plan->infer;
    p = plan->keep.peak_bytes > p->peak_bytes ? &plan->keep : p;
    const char *name = "none";
    *bytes = 0;
    for (int i = 0; i < plan->graph->n_tensors; i++) {
        const tp_address *a = &p->address[i];
        if (a->place == TP_PLACE_ARENA && a->first <= p->peak_step &&
            a->last >= p->peak_step && a->bytes > *bytes) {
            *bytes = a->bytes;
            name = plan->graph->tensor[i].name;
        }
    }
    return name;
}
