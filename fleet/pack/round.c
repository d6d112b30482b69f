#include "fleet/pack/round.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- four bits ------------------------------------------------------------ */

/* To the nearest code, halves away from zero. */
static int to_code(int v, int shift) {
    const int half = shift > 0 ? 1 << (shift - 1) : 0;
    const int code = (abs(v) + half) >> shift;
    const int held = code > 7 ? 7 : code;
    return (v < 0 ? -held : held) * (1 << shift);
}

void tp_round_int4(int8_t *v, uint32_t n) {
    uint64_t least = UINT64_MAX;
    int best = 0;
    for (int shift = 0; shift <= 4; shift++) {
        uint64_t error = 0;
        for (uint32_t i = 0; i < n; i++) {
            const int d = v[i] - to_code(v[i], shift);
            error += (uint64_t)(d * d);
        }
        if (error < least) {
            least = error;
            best = shift;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        v[i] = (int8_t)to_code(v[i], best);
    }
}

/* --- ternary -------------------------------------------------------------- */

/* v becomes m in magnitude where that is nearer than 0. */
static int to_ternary(int v, int m) {
    return 2 * abs(v) <= m ? 0 : v < 0 ? -m : m;
}

void tp_round_ternary(int8_t *v, uint32_t n) {
    uint64_t least = UINT64_MAX;
    int best = 1;
    for (int m = 1; m <= 127; m++) {
        uint64_t error = 0;
        for (uint32_t i = 0; i < n; i++) {
            const int d = v[i] - to_ternary(v[i], m);
            error += (uint64_t)(d * d);
        }
        if (error < least) {
            least = error;
            best = m;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        v[i] = (int8_t)to_ternary(v[i], best);
    }
}

/* --- sparse --------------------------------------------------------------- */

typedef struct place {
    double size;
    uint32_t order;
    int8_t *at;
} place;

static int larger_first(const void *a, const void *b) {
    const place *x = a;
    const place *y = b;
    if (x->size < y->size || x->size > y->size) {
        return x->size < y->size ? 1 : -1;
    }
    return x->order > y->order ? 1 : -1;
}

int tp_round_sparse(const tp_weights *arrays, int n, uint32_t keep) {
    uint32_t all = 0;
    for (int k = 0; k < n; k++) {
        all += arrays[k].n;
    }
    place *places = malloc(((size_t)all + 1) * sizeof *places);
    if (places == NULL) {
        return -1;
    }
    uint32_t at = 0;
    for (int k = 0; k < n; k++) {
        for (uint32_t i = 0; i < arrays[k].n; i++, at++) {
            int8_t *v = &arrays[k].v[i];
            places[at] = (place){ldexp(abs(*v), arrays[k].e), at, v};
        }
    }
    qsort(places, all, sizeof *places, larger_first);
    for (at = keep; at < all; at++) {
        *places[at].at = 0;
    }
    free(places);
    return 0;
}
