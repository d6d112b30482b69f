/* What converters leave apart and one kernel can do: exact, byte for byte. */
#include <math.h>

#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"

static bool same_quant(const tp_tensor *a, const tp_tensor *b) {
    return a->quant.n == 1 && b->quant.n == 1 &&
           tp_scale_of(a, 0) == tp_scale_of(b, 0) &&
           a->quant.zero_point == b->quant.zero_point;
}

/* Only this op reads the tensor, and it is not what the caller gets. */
static bool private_to_one(const tp_graph *graph, int tensor) {
    return tp_graph_uses(graph, tensor) == 1 && graph->output != tensor &&
           graph->logits != tensor;
}

static bool is_map_conv(tp_kind kind) {
    return kind == TP_OP_CONV_2D || kind == TP_OP_DEPTHWISE_CONV_2D;
}

/* Rows and columns of the zero point, and nothing else. */
static bool pads_map(const tp_graph *graph, const tp_op *pad) {
    const int32_t *list = pad->attr.list;
    const tp_tensor *x = &graph->tensor[pad->in[0]];
    return x->rank == 4 && pad->attr.n_list == 8 &&
           pad->attr.value == x->quant.zero_point && list[0] == 0 &&
           list[3] == 0 && list[4] == 0 && list[7] == 0;
}

/* PAD before a convolution: the convolution pads. */
static bool fuse_pad(tp_graph *graph, int at) {
    tp_op *conv = &graph->op[at];
    const int made_by = tp_graph_producer(graph, conv->in[0]);
    if (!is_map_conv(conv->kind) || made_by < 0 ||
        graph->op[made_by].kind != TP_OP_PAD ||
        !private_to_one(graph, conv->in[0]) ||
        !pads_map(graph, &graph->op[made_by])) {
        return false;
    }
    const tp_op *pad = &graph->op[made_by];
    conv->attr.pad_t += pad->attr.list[1];
    conv->attr.pad_l += pad->attr.list[2];
    conv->attr.pad_b += pad->attr.list[5];
    conv->attr.pad_r += pad->attr.list[6];
    conv->in[0] = pad->in[0];
    tp_graph_remove_op(graph, made_by);
    return true;
}

/* Where RELU6 ends, as TensorFlow Lite rounds it; at most 127. */
static int32_t quantised_six(const tp_tensor *t) {
    const float level = roundf(6.0F / tp_scale_of(t, 0));
    const int32_t zero = t->quant.zero_point;
    return level > 255.0F || zero + (int32_t)level > 127
               ? 127
               : zero + (int32_t)level;
}

static bool has_clamp(tp_kind kind) {
    return is_map_conv(kind) || kind == TP_OP_FULLY_CONNECTED ||
           kind == TP_OP_ADD || kind == TP_OP_SUB || kind == TP_OP_MUL;
}

/* RELU or RELU6 that does not rescale, behind an op that clamps: the clamp
 * narrows. */
static bool fuse_relu(tp_graph *graph, int at) {
    const tp_op *relu = &graph->op[at];
    const int made_by = tp_graph_producer(graph, relu->in[0]);
    const tp_tensor *y = &graph->tensor[relu->out];
    if ((relu->kind != TP_OP_RELU && relu->kind != TP_OP_RELU6) ||
        made_by < 0 || !has_clamp(graph->op[made_by].kind) ||
        !private_to_one(graph, relu->in[0]) ||
        !same_quant(&graph->tensor[relu->in[0]], y)) {
        return false;
    }
    tp_op *op = &graph->op[made_by];
    const int32_t low = y->quant.zero_point;
    const int32_t high = relu->kind == TP_OP_RELU6 ? quantised_six(y) : 127;
    if (low > op->attr.act_max || high < op->attr.act_min) {
        return false; /* the two clamps do not meet */
    }
    op->attr.act_min = op->attr.act_min > low ? op->attr.act_min : low;
    op->attr.act_max = op->attr.act_max < high ? op->attr.act_max : high;
    op->out = relu->out;
    tp_graph_remove_op(graph, at);
    return true;
}

tp_status tp_pass_fuse(tp_graph *graph, const tp_pass_options *options,
                       tp_diag *diag) {
    (void)options;
    (void)diag;
    for (int i = 0; i < graph->n_ops;) {
        const bool fused = fuse_pad(graph, i) || fuse_relu(graph, i);
        i = fused ? 0 : i + 1;
    }
    return TP_OK;
}
