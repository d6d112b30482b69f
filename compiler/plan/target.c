#include "compiler/plan/target.h"

#include "compiler/ops/opdef.h"

/* In the order in which cli/options.c lists them. */
const tp_target tp_targets[TP_N_TARGETS] = {
    {"portable", 0},
    {"cortex-m0", TP_ISA_SCALAR},
    {"cortex-m0plus", TP_ISA_SCALAR},
    {"cortex-m3", TP_ISA_SCALAR},
    {"cortex-m4", TP_ISA_DSP},
    {"cortex-m7", TP_ISA_DSP},
    {"cortex-m33", TP_ISA_DSP},
    {"cortex-m55", TP_ISA_DSP | TP_ISA_MVE},
    {"rv32imc", TP_ISA_SCALAR},
};
