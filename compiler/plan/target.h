/* The cores that code can be compiled for. */
#ifndef TP_COMPILER_TARGET_H
#define TP_COMPILER_TARGET_H

typedef struct tp_target {
    const char *name; /* "cortex-m4" */
    unsigned isa;     /* TP_ISA_...: what its kernels may use */
} tp_target;

#define TP_N_TARGETS 9
extern const tp_target tp_targets[TP_N_TARGETS];

#endif
