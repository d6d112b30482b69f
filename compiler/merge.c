#include "compiler/merge.h"

#include <math.h>
#include <string.h>

#include "compiler/import/tflite.h"
#include "core/bytes.h"
#include "tinypeft/kernels.h"

/* --- what the adapter says ------------------------------------------------ */

static const int16_t *values_of(const tp_plan *plan, const uint8_t *adapter,
                                int tensor) {
    const char *name = plan->graph->tensor[tensor].name;
    for (uint32_t i = 0; i < plan->model.n_params; i++) {
        const tp_param *p = &plan->model.params[i];
        if (strcmp(p->name, name) == 0) {
            return (const int16_t *)(const void *)(adapter + p->adapter);
        }
    }
    return NULL;
}

/* The layer of an operator, new where it has none yet. */
static tp_merge_layer *layer_of(tp_merge *merge, const tp_op *op, int32_t n) {
    for (int i = 0; i < merge->n; i++) {
        if (merge->layer[i].source == op->source) {
            return &merge->layer[i];
        }
    }
    tp_merge_layer *layer = &merge->layer[merge->n++];
    *layer = (tp_merge_layer){.slot = op->name, .source = op->source, .n = n};
    return layer;
}

/* How far inference's own kernel moves each bias. */
static tp_status read_bias(tp_arena *arena, const tp_plan *plan,
                           const tp_step *step, const int16_t *db,
                           tp_merge *merge) {
    const tp_op *op = &plan->graph->op[step->op];
    const tp_bias *d = step->desc;
    const int32_t *base = plan->graph->tensor[op->in[0]].data;
    const tp_op *conv = tp_op_reader(plan->graph, tp_op_bias, op->out);
    int32_t *sum = tp_arena_alloc(arena, (size_t)d->n, sizeof *sum);
    int64_t *change = tp_arena_alloc(arena, (size_t)d->n, sizeof *change);
    if (sum == NULL || change == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    tp_bias_s16_fwd_ref(d, base, db, sum);
    for (int32_t c = 0; c < d->n; c++) {
        change[c] = (int64_t)sum[c] - base[c];
    }
    layer_of(merge, conv, d->n)->bias = change;
    return TP_OK;
}

/* The float32 scale whose factor comes nearest to the trained one. An
 * interpreter makes its factors of s_x s_w / s_y in double, as tp_factor_of()
 * does, so the error of this factor is all there is. */
static float nearest_scale(tp_factor want, double x_scale, double y_scale,
                           double *error) {
    const double real = ldexp(want.m, want.s - 31);
    const float scale = (float)(real * y_scale / x_scale);
    const tp_factor have = tp_factor_of(x_scale * (double)scale / y_scale);
    const double got = ldexp(have.m, have.s - 31);
    *error = real > 0.0 ? fabs(got - real) / real : 0.0;
    return scale;
}

static tp_status read_scale(tp_arena *arena, const tp_plan *plan,
                            const tp_step *step, const int16_t *t,
                            tp_merge *merge) {
    const tp_tensor *tensor = plan->graph->tensor;
    const tp_op *op = &plan->graph->op[step->op];
    const tp_rescale *d = step->desc;
    const tp_op *conv = tp_op_reader(plan->graph, tp_op_factors, op->out);
    const double x = (double)tp_scale_of(&tensor[conv->in[0]], 0);
    const double y = (double)tp_scale_of(&tensor[conv->out], 0);
    tp_factor *f = tp_arena_alloc(arena, (size_t)d->n, sizeof *f);
    float *scale = tp_arena_alloc(arena, (size_t)d->n, sizeof *scale);
    if (f == NULL || scale == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    tp_merge_layer *layer = layer_of(merge, conv, d->n);
    tp_rescale_s16_fwd_ref(d, t, f);
    for (int32_t c = 0; c < d->n; c++) {
        double error = 0.0;
        /* Where nothing was trained the file's own scale stays. */
        scale[c] = t[c] == 0 ? tp_scale_of(&tensor[conv->in[1]], c)
                             : nearest_scale(f[c], x, y, &error);
        layer->exact += error <= 0.0;
        layer->error = fmax(layer->error, error);
    }
    layer->scale = scale;
    return TP_OK;
}

tp_status tp_merge_read(tp_arena *arena, const tp_plan *plan,
                        const uint8_t *adapter, tp_merge *out, tp_diag *diag) {
    const tp_program *infer = &plan->infer;
    *out = (tp_merge){.layer = tp_arena_alloc(arena, (size_t)infer->n_steps + 1,
                                              sizeof *out->layer)};
    tp_status status = out->layer != NULL ? TP_OK : TP_ERR_NO_MEMORY;
    for (int i = 0; i < infer->n_steps && status == TP_OK; i++) {
        const tp_step *step = &infer->step[i];
        const tp_op *op = &plan->graph->op[step->op];
        if (step->kernel == TP_K_bias_s16_fwd_ref) {
            status = read_bias(arena, plan, step,
                               values_of(plan, adapter, op->in[1]), out);
        } else if (step->kernel == TP_K_rescale_s16_fwd_ref) {
            status = read_scale(arena, plan, step,
                                values_of(plan, adapter, op->in[0]), out);
        }
    }
    return status == TP_OK ? TP_OK : tp_no_memory(diag);
}

/* --- the file ------------------------------------------------------------- */

typedef struct writer {
    tp_tfl_model model;
    uint8_t *out;
    tp_diag *diag;
} writer;

static tp_status refuse(const writer *w, const tp_merge_layer *layer,
                        const char *why) {
    return tp_error(w->diag, TP_ERR_UNSUPPORTED, "slot %s: %s", layer->slot,
                    why);
}

/* Another operator reads the tensor, or another tensor has its data. */
static bool is_shared(const writer *w, int tensor, int source) {
    const tp_tfl_model *m = &w->model;
    for (int i = 0; i < m->n_ops; i++) {
        for (int k = 0; k < m->op[i].n_in; k++) {
            if (i != source && m->op[i].in[k] == tensor) {
                return true;
            }
        }
    }
    for (int i = 0; i < m->n_tensors; i++) {
        if (i != tensor && m->tensor[i].data != NULL &&
            m->tensor[i].data == m->tensor[tensor].data) {
            return true;
        }
    }
    return false;
}

static bool scales_are_shared(const writer *w, int tensor) {
    const tp_tfl_model *m = &w->model;
    for (int i = 0; i < m->n_tensors; i++) {
        if (i != tensor &&
            m->tensor[i].scales.at == m->tensor[tensor].scales.at) {
            return true;
        }
    }
    return false;
}

/* The bias tensor of the layer's operator; -1: it has none. */
static int bias_tensor(const writer *w, const tp_merge_layer *layer) {
    const tp_tfl_op *op = &w->model.op[layer->source];
    const int t = op->n_in > 2 ? op->in[2] : -1;
    return t >= 0 && w->model.tensor[t].data != NULL ? t : -1;
}

static tp_status write_bias(writer *w, const tp_merge_layer *layer) {
    const int t = bias_tensor(w, layer);
    if (t < 0) {
        return refuse(w, layer,
                      "the operator has no bias in the file; convert the base "
                      "with one, of zeros, or keep the adapter");
    }
    if (is_shared(w, t, layer->source)) {
        return refuse(w, layer,
                      "shares its bias with another operator of the file; "
                      "convert the base without shared biases, or keep the "
                      "adapter");
    }
    uint8_t *at = w->out + (w->model.tensor[t].data - w->model.span.bytes);
    for (int32_t c = 0; c < layer->n; c++) {
        const int64_t sum = (int32_t)tp_get_u32(at + 4 * c) + layer->bias[c];
        if (sum < INT32_MIN || sum > INT32_MAX) {
            return refuse(w, layer,
                          "a bias leaves 32 bits; train with a "
                          "smaller rate");
        }
        tp_put_u32(at + 4 * c, (uint32_t)sum);
    }
    return TP_OK;
}

static void put_float(writer *w, const tp_vector *v, int32_t i, float value) {
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    tp_put_u32(w->out + v->at + 4 * (size_t)i, bits);
}

/* The bias' scales follow those of the weights, so that its integers, which
 * stay, mean what they are multiplied by. */
static tp_status write_scales(writer *w, const tp_merge_layer *layer) {
    const tp_tfl_op *op = &w->model.op[layer->source];
    const int weights = op->in[1];
    const int bias = bias_tensor(w, layer);
    const tp_tfl_tensor *t = &w->model.tensor[weights];
    const tp_tfl_tensor *b = bias >= 0 ? &w->model.tensor[bias] : NULL;
    if (t->scales.n != (uint32_t)layer->n ||
        (b != NULL && b->scales.n > 0 && b->scales.n != t->scales.n)) {
        return refuse(w, layer,
                      "the file has one scale for all channels of its weights "
                      "or of its bias; convert the base with a scale for each "
                      "channel, train bitfit, or keep the adapter");
    }
    if (is_shared(w, weights, layer->source) || scales_are_shared(w, weights) ||
        (b != NULL && b->scales.n > 0 && scales_are_shared(w, bias))) {
        return refuse(w, layer,
                      "shares weights or scales with another operator of the "
                      "file; train bitfit, or keep the adapter");
    }
    const tp_tfl_tensor *x = &w->model.tensor[op->in[0]];
    const float x_scale = tp_vector_f32(&w->model.span, &x->scales, 0);
    for (int32_t c = 0; c < layer->n; c++) {
        put_float(w, &t->scales, c, layer->scale[c]);
        if (b != NULL && b->scales.n > 0) {
            put_float(w, &b->scales, c, x_scale * layer->scale[c]);
        }
    }
    return TP_OK;
}

tp_status tp_merge_write(tp_arena *arena, const tp_merge *merge,
                         const uint8_t *bytes, size_t n, uint8_t **out,
                         tp_diag *diag) {
    writer w = {.model = {.arena = arena,
                          .diag = diag,
                          .span = {.bytes = bytes, .n = n},
                          .budget = TP_TFL_BUDGET},
                .out = tp_arena_copy(arena, bytes, n, 1),
                .diag = diag};
    if (w.out == NULL) {
        return tp_no_memory(diag);
    }
    tp_tfl_parse(&w.model);
    if (w.model.status != TP_OK) {
        return w.model.status;
    }
    for (int i = 0; i < merge->n; i++) {
        if (merge->layer[i].bias != NULL) {
            TP_TRY(write_bias(&w, &merge->layer[i]));
        }
        if (merge->layer[i].scale != NULL) {
            TP_TRY(write_scales(&w, &merge->layer[i]));
        }
    }
    *out = w.out;
    return TP_OK;
}
