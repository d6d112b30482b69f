#include "compiler/ops/opdef.h"

#include <string.h>

#include "compiler/ops/table.h"

static const struct {
    const char *name;
    const char *attrs;
    int fewest;
    int most;
} rows[TP_KIND_COUNT] = {
#define TP_OP(kind, text, min_in, max_in, attrs)                               \
    [TP_OP_##kind] = {text, attrs, min_in, max_in},
#include "compiler/ir/ops.def"
#undef TP_OP
};

static const tp_opdef *const defs[TP_KIND_COUNT] = {
    [TP_OP_CONV_2D] = &tp_def_conv,
    [TP_OP_DEPTHWISE_CONV_2D] = &tp_def_dwconv,
    [TP_OP_FULLY_CONNECTED] = &tp_def_fc,
    [TP_OP_ADD] = &tp_def_add,
    [TP_OP_SUB] = &tp_def_sub,
    [TP_OP_MUL] = &tp_def_mul,
    [TP_OP_AVERAGE_POOL_2D] = &tp_def_avgpool,
    [TP_OP_MAX_POOL_2D] = &tp_def_maxpool,
    [TP_OP_MEAN] = &tp_def_mean,
    [TP_OP_SOFTMAX] = &tp_def_softmax,
    [TP_OP_RESHAPE] = &tp_def_reshape,
    [TP_OP_QUANTIZE] = &tp_def_quantize,
    [TP_OP_RELU] = &tp_def_relu,
    [TP_OP_RELU6] = &tp_def_relu6,
    [TP_OP_LEAKY_RELU] = &tp_def_leaky_relu,
    [TP_OP_LOGISTIC] = &tp_def_logistic,
    [TP_OP_TANH] = &tp_def_tanh,
    [TP_OP_HARD_SWISH] = &tp_def_hard_swish,
    [TP_OP_PAD] = &tp_def_pad,
    [TP_OP_TRANSPOSE] = &tp_def_transpose,
    [TP_OP_CONCATENATION] = &tp_def_concat,
    [TP_OP_RESIZE_NEAREST_NEIGHBOR] = &tp_def_resize,
    [TP_OP_STRIDED_SLICE] = &tp_def_slice,
    [TP_OP_LORA_A] = &tp_def_lora_a,
    [TP_OP_CONV_LORA] = &tp_def_conv_lora,
    [TP_OP_BIAS] = &tp_def_bias,
    [TP_OP_RANDOM] = &tp_def_random,
    [TP_OP_CONV_BOTTLENECK] = &tp_def_conv_bottleneck,
    [TP_OP_BOTTLENECK] = &tp_def_bottleneck,
    [TP_OP_CONV_SPARSE] = &tp_def_conv_sparse,
    [TP_OP_SCALE] = &tp_def_scale,
    [TP_OP_UNPACK] = &tp_def_unpack,
    [TP_OP_VERA] = &tp_def_vera,
    [TP_OP_HYPER_HIDDEN] = &tp_def_hyper_hidden,
    [TP_OP_HYPER] = &tp_def_hyper,
    [TP_OP_HEAD] = &tp_def_head,
    [TP_OP_HEAD_ADD] = &tp_def_head_add,
    [TP_OP_HEAD_SOFTMAX] = &tp_def_head_softmax,
    [TP_OP_CE_LOSS] = &tp_def_ce_loss,
    [TP_OP_MSE_LOSS] = &tp_def_mse_loss,
    [TP_OP_MASK] = &tp_def_mask,
    [TP_OP_CLAMP_BWD] = &tp_def_clamp_bwd,
    [TP_OP_CONV_BWD_X] = &tp_def_conv_bwd_x,
    [TP_OP_CONV_LORA_BWD_X] = &tp_def_conv_lora_bwd_x,
    [TP_OP_LORA_BWD_U] = &tp_def_lora_bwd_u,
    [TP_OP_DWCONV_BWD_X] = &tp_def_dwconv_bwd_x,
    [TP_OP_CONV_BOTTLENECK_BWD_X] = &tp_def_conv_bottleneck_bwd_x,
    [TP_OP_BOTTLENECK_BWD_X] = &tp_def_bottleneck_bwd_x,
    [TP_OP_CONV_SPARSE_BWD_X] = &tp_def_conv_sparse_bwd_x,
    [TP_OP_SCALE_BWD_X] = &tp_def_scale_bwd_x,
    [TP_OP_HEAD_BWD_X] = &tp_def_head_bwd_x,
    [TP_OP_AVERAGE_POOL_BWD] = &tp_def_avgpool_bwd,
    [TP_OP_MAX_POOL_BWD] = &tp_def_maxpool_bwd,
    [TP_OP_MEAN_BWD] = &tp_def_mean_bwd,
    [TP_OP_ELTWISE_BWD] = &tp_def_eltwise_bwd,
    [TP_OP_LUT_BWD] = &tp_def_lut_bwd,
    [TP_OP_COPY_BWD] = &tp_def_copy_bwd,
    [TP_OP_RESIZE_BWD] = &tp_def_resize_bwd,
    [TP_OP_RESHAPE_BWD] = &tp_def_reshape_bwd,
    [TP_OP_GRAD_SUM] = &tp_def_grad_sum,
    [TP_OP_CONV_BWD_W] = &tp_def_conv_bwd_w,
    [TP_OP_LORA_BWD_B] = &tp_def_lora_bwd_b,
    [TP_OP_HEAD_BWD_W] = &tp_def_head_bwd_w,
    [TP_OP_BIAS_BWD] = &tp_def_bias_bwd,
    [TP_OP_VERA_BWD_B] = &tp_def_vera_bwd_b,
    [TP_OP_VERA_BWD_D] = &tp_def_vera_bwd_d,
    [TP_OP_HYPER_BWD] = &tp_def_hyper_bwd,
    [TP_OP_HYPER_HIDDEN_BWD] = &tp_def_hyper_hidden_bwd,
    [TP_OP_WEIGHT_GRAD_SUM] = &tp_def_weight_grad_sum,
    [TP_OP_ACCUMULATE] = &tp_def_accumulate,
    [TP_OP_SGD] = &tp_def_sgd,
    [TP_OP_BIAS_SGD] = &tp_def_bias_sgd,
    [TP_OP_HEAD_SGD] = &tp_def_head_sgd,
    [TP_OP_BOTTLENECK_BWD_A] = &tp_def_bottleneck_bwd_a,
    [TP_OP_BOTTLENECK_BWD_B] = &tp_def_bottleneck_bwd_b,
    [TP_OP_SPARSE_BWD_W] = &tp_def_sparse_bwd_w,
    [TP_OP_SCALE_BWD_W] = &tp_def_scale_bwd_w,
};

const tp_opdef *tp_opdef_of(tp_kind kind) {
    return defs[kind];
}

bool tp_kind_has_factors(tp_kind kind) {
    return kind == TP_OP_CONV_2D || kind == TP_OP_DEPTHWISE_CONV_2D ||
           kind == TP_OP_FULLY_CONNECTED || kind == TP_OP_CONV_LORA;
}

bool tp_kind_has_bias(tp_kind kind) {
    return tp_kind_has_factors(kind) || kind == TP_OP_CONV_BOTTLENECK ||
           kind == TP_OP_CONV_SPARSE;
}

bool tp_op_one_place(const tp_graph *graph, const tp_op *op) {
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const tp_attr *a = &op->attr;
    return w->rank == 2 ||
           (w->dim[1] == 1 && w->dim[2] == 1 && a->stride_h <= 1 &&
            a->stride_w <= 1 && a->pad_t == 0 && a->pad_l == 0 &&
            a->pad_b == 0 && a->pad_r == 0);
}

int tp_op_factors(const tp_op *op) {
    const int at = op->kind == TP_OP_CONV_LORA ? 5 : 3;
    return tp_kind_has_factors(op->kind) && op->n_in > at ? op->in[at] : -1;
}

int tp_op_bias(const tp_op *op) {
    return tp_kind_has_bias(op->kind) ? op->in[2] : -1;
}

const tp_op *tp_op_reader(const tp_graph *graph, int (*of)(const tp_op *op),
                          int tensor) {
    for (int i = 0; i < graph->n_ops; i++) {
        if (of(&graph->op[i]) == tensor) {
            return &graph->op[i];
        }
    }
    return NULL;
}

const char *tp_kind_name(tp_kind kind) {
    return rows[kind].name;
}

const char *tp_kind_attrs(tp_kind kind) {
    return rows[kind].attrs;
}

void tp_kind_inputs(tp_kind kind, int *fewest, int *most) {
    *fewest = rows[kind].fewest;
    *most = rows[kind].most;
}

bool tp_kind_find(const char *name, tp_kind *kind) {
    for (int i = 0; i < TP_KIND_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *kind = (tp_kind)i;
            return true;
        }
    }
    return false;
}
