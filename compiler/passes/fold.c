#include "compiler/ops/opdef.h"
#include "compiler/passes/passes.h"

/* Sum of the weights of output channel oc. */
static int64_t weight_sum(const tp_tensor *w, bool depthwise, int64_t oc) {
    const int8_t *v = w->data;
    const int64_t n = tp_tensor_count(w);
    const int64_t channels = depthwise ? w->dim[3] : w->dim[0];
    const int64_t each = n / channels;
    int64_t sum = 0;
    for (int64_t i = 0; i < each; i++) {
        sum += depthwise ? v[i * channels + oc] : v[oc * each + i];
    }
    return sum;
}

/* A new bias b - x_zp * sum(w), or -1. The importer bounds |b| + sum |w| 255
 * below 2^31, so nothing overflows. */
static int folded_bias(tp_graph *graph, const tp_op *op, int bias) {
    const tp_tensor *w = &graph->tensor[op->in[1]];
    const int64_t x_zp = graph->tensor[op->in[0]].quant.zero_point;
    const int64_t n = tp_tensor_count(&graph->tensor[bias]);
    const int32_t *b = graph->tensor[bias].data;
    int32_t *sum = tp_arena_alloc(graph->arena, (size_t)n, sizeof *sum);
    if (sum == NULL) {
        return -1;
    }
    for (int64_t oc = 0; oc < n; oc++) {
        const bool depthwise = op->kind == TP_OP_DEPTHWISE_CONV_2D;
        sum[oc] = (int32_t)(b[oc] - x_zp * weight_sum(w, depthwise, oc));
    }
    const int folded = tp_graph_add_like(
        graph, bias, TP_S32, TP_CONST,
        tp_arena_printf(graph->arena, "%s.bias_folded", op->name));
    if (folded >= 0) {
        graph->tensor[folded].data = sum;
    }
    return folded;
}

/* Where nothing is padded every tap sees an input, so its zero point is a
 * constant of the channel. */
static tp_status fold_zero_point(tp_graph *graph, int at, tp_diag *diag) {
    tp_op *op = &graph->op[at];
    const tp_attr *a = &op->attr;
    if (a->pad_t != 0 || a->pad_b != 0 || a->pad_l != 0 || a->pad_r != 0 ||
        a->value == 1 || graph->tensor[op->in[0]].quant.zero_point == 0) {
        return TP_OK;
    }
    const int made_by = tp_graph_producer(graph, op->in[2]); /* BitFit */
    int *bias = made_by >= 0 ? &graph->op[made_by].in[0] : &op->in[2];
    const int folded = folded_bias(graph, op, *bias);
    if (folded < 0) {
        return tp_no_memory(diag);
    }
    *bias = folded;
    op->attr.value = 1;
    return TP_OK;
}

tp_status tp_pass_fold(tp_graph *graph, const tp_pass_options *options,
                       tp_diag *diag) {
    (void)options;
    for (int i = 0; i < graph->first_backward; i++) {
        if (tp_kind_has_bias(graph->op[i].kind)) {
            TP_TRY(fold_zero_point(graph, i, diag));
        }
    }
    return TP_OK;
}
