/* The plan: every decision about the generated program. Made once by
 * tp_plan_make(), read by emit, by the interpreter and by the dumps. */
#ifndef TP_COMPILER_PLAN_H
#define TP_COMPILER_PLAN_H

#include "compiler/ops/opdef.h"

/* Where a tensor lies. */
typedef enum tp_place {
    TP_PLACE_NONE,    /* not used by this program */
    TP_PLACE_ARENA,   /* + offset */
    TP_PLACE_X,       /* the caller's input; of training, the kept sample +
                         offset */
    TP_PLACE_Y,       /* the caller's output; of keep, the kept sample +
                         offset */
    TP_PLACE_TARGET,  /* the caller's label or target tensor */
    TP_PLACE_LOSS,    /* the caller's loss */
    TP_PLACE_ADAPTER, /* + offset */
    TP_PLACE_TRAIN,   /* + offset: a gradient accumulator */
    TP_PLACE_CONST    /* flash */
} tp_place;

typedef struct tp_address {
    tp_place place;
    uint32_t offset; /* in the arena: its regions follow each other */
    uint32_t bytes;
    int region;
    int first, last; /* arena: steps between which it is live, inclusive */
} tp_address;

/* One entry point of the generated code: some steps, in order, and where each
 * tensor lies while it runs. */
typedef struct tp_program {
    const tp_step *step; /* desc: with the order that the addresses ask for */
    int n_steps;
    tp_address *address; /* [graph->n_tensors] */
    tp_address *scratch; /* [n_steps]; place NONE: the step needs none */
    uint32_t arena_bytes;
    uint32_t region_bytes[TP_MAX_REGIONS]; /* of it; without regions: [0] */
    uint32_t peak_bytes; /* lower bound: largest sum of live tensors, those
                            that may overlap at their smallest union */
    int peak_step;
} tp_program;

/* A memory of the target that may hold a part of the arena. */
typedef struct tp_region {
    const char *name; /* a C identifier */
    uint32_t address, bytes;
    int rank;       /* 0: the fastest */
    uint32_t start; /* [out] of its part, in the arena */
} tp_region;

typedef struct tp_plan {
    const tp_graph *graph;
    tp_region region[TP_MAX_REGIONS]; /* those that are used, fastest first */
    int n_regions;                    /* 0: the arena is one, anywhere */
    unsigned isa;                     /* what kernels may use: TP_ISA_... */
    tp_program infer;
    tp_program sample;        /* n_steps 0: nothing is trained */
    tp_program keep;          /* the latent values of a sample; n_steps 0: it
                                 is kept as it is */
    uint32_t samples;         /* of the options */
    const tp_const *constant; /* in order of first use */
    int n_constants;
    const int *gscale;        /* [n_tensors] index of a gradient's delayed
                                 scale, or -1 */
    tp_model model;           /* sizes, parameters, layout; no functions */
    uint32_t flash_weights;   /* bytes of constants taken from the file */
    uint32_t flash_constants; /* bytes of all constants */
} tp_plan;

typedef enum tp_plan_effort {
    TP_EFFORT_FULL, /* what is compiled */
    TP_EFFORT_QUICK /* one of hundreds that a search looks at */
} tp_plan_effort;

/* What is known of a plan before anything is placed. */
typedef struct tp_plan_bound {
    uint32_t ram;  /* tp_plan_ram(), at least */
    uint64_t cost; /* estimated instructions of a sample */
} tp_plan_bound;

typedef struct tp_plan_options {
    tp_plan_effort effort;
    unsigned isa; /* TP_ISA_...: what kernels may use */
    /* Asked before anything is placed, which takes most of the time. False: it
     * is not worth it, and the plan ends with TP_ERR_BUDGET without a message.
     * NULL: it is. */
    bool (*worth)(const void *ctx, const tp_plan_bound *bound);
    const void *worth_ctx;
    bool no_overlap; /* no output lies over its input, but value by value */
    const tp_region *region; /* memories for the arena, at most TP_MAX_REGIONS;
                                none: it is one, anywhere */
    int n_regions;
    uint32_t samples; /* kept samples that share the RAM with what is planned;
                         0: not counted */
} tp_plan_options;

/* options NULL: the defaults, all 0. TP_ERR_BUDGET: the arena does not fit the
 * regions; the message names the tensor that has no place. TP_ERR_ARGUMENT: a
 * region cannot be used. */
TP_MUST_CHECK tp_status tp_plan_make(tp_arena *arena, const tp_graph *graph,
                                     const tp_plan_options *options,
                                     tp_plan *plan, tp_diag *diag);

/* RAM: arena, adapter, training state and the kept samples; at most
 * UINT32_MAX. */
uint32_t tp_plan_ram(const tp_plan *plan);

/* The largest tensor that is live where the arena is fullest, and its bytes. */
const char *tp_plan_peak(const tp_plan *plan, uint32_t *bytes);

/* The plan as a table and a memory map. NULL: out of memory. */
char *tp_plan_print(tp_arena *arena, const tp_plan *plan);

#endif
