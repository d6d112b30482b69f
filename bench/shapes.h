/* The shapes at which bench/kernels.c measures each kernel. */
#ifndef TP_BENCH_SHAPES_H
#define TP_BENCH_SHAPES_H

#include "compiler/ops/opdef.h"

typedef struct bench_case {
    const void *desc;
    const char *args; /* a letter each, see kernels.c */
    int32_t scale;    /* exponent of the delayed scale */
    int times;        /* how often it is run */
} bench_case;

/* The i-th case of a kernel; false: there are no more. */
bool bench_case_of(tp_kernel_id kernel, int i, bench_case *c);

#endif
