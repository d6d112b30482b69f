#include "core/rng.h"
#include "tinypeft/train.h"

/* Fisher-Yates. */
void tp_train_order(uint16_t *order, uint32_t n, uint32_t seed,
                    uint32_t epoch) {
    uint32_t rng = tp_rng_seed(seed ^ (epoch * UINT32_C(0x9E3779B9) + 1u));
    for (uint32_t i = 0; i < n; i++) {
        order[i] = (uint16_t)i;
    }
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = tp_rng_below(&rng, i);
        const uint16_t swapped = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swapped;
    }
}
