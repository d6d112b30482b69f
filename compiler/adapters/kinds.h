/* The adapter kinds, for the table of adapters.c alone. */
#ifndef TP_COMPILER_ADAPTER_KINDS_H
#define TP_COMPILER_ADAPTER_KINDS_H

#include "compiler/adapters/adapters.h"

extern const tp_adapter_kind tp_adapter_head;
extern const tp_adapter_kind tp_adapter_bitfit;
extern const tp_adapter_kind tp_adapter_lora;
extern const tp_adapter_kind tp_adapter_lora_fa;
extern const tp_adapter_kind tp_adapter_vera;
extern const tp_adapter_kind tp_adapter_hyper;

#endif
