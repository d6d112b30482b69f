/* The adapter kinds, for the table of adapters.c, and what they share. */
#ifndef TP_COMPILER_ADAPTER_KINDS_H
#define TP_COMPILER_ADAPTER_KINDS_H

#include "compiler/adapters/adapters.h"

extern const tp_adapter_kind tp_adapter_head;
extern const tp_adapter_kind tp_adapter_bitfit;
extern const tp_adapter_kind tp_adapter_lora;
extern const tp_adapter_kind tp_adapter_lora_fa;
extern const tp_adapter_kind tp_adapter_vera;
extern const tp_adapter_kind tp_adapter_hyper;
extern const tp_adapter_kind tp_adapter_scale;
extern const tp_adapter_kind tp_adapter_bottleneck;
extern const tp_adapter_kind tp_adapter_sparse;
extern const tp_adapter_kind tp_adapter_skip;

/* Position of the last op with weights if only shape changes and a softmax
 * stand between it and the output; else -1. */
int tp_last_layer(const tp_graph *graph);

#endif
