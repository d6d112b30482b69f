/* What a model can be compiled to: one choice for each adapter, state and
 * schedule that was looked at. */
#ifndef TP_COMPILER_SEARCH_H
#define TP_COMPILER_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct tp_choice {
    const char *family;      /* "lora-fa r4" */
    const char *const *spec; /* [n_specs] adapter specs */
    int n_specs;
    int state;    /* 0 momentum, 1 accumulate, 2 online */
    uint32_t ram; /* bytes: arena, adapter and training state */
    uint32_t arena, infer_arena, adapter, train;
    uint32_t flash, delta;
    uint64_t infer_cost, update_cost; /* instructions */
    double expected[3]; /* accuracy at 5, 10, 20 samples a class, or NAN */
    int n_saved, n_recomputed;
    bool on_front, fits;
} tp_choice;

#endif
