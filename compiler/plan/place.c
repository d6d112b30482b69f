#include "compiler/plan/place.h"

static uint32_t align4(uint32_t n) {
    return (n + 3u) & ~3u;
}

static bool together(const tp_block *a, const tp_block *b) {
    return a->first <= b->last && b->first <= a->last;
}

static bool before(const tp_block *a, const tp_block *b) {
    if (a->bytes != b->bytes) {
        return a->bytes > b->bytes;
    }
    return a->first < b->first;
}

/* Stable insertion sort: the same order on every host. */
static void sort(const tp_block *block, int *order, int n) {
    for (int i = 0; i < n; i++) {
        int at = i;
        while (at > 0 && before(&block[i], &block[order[at - 1]])) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

/* Lowest offset where `b` meets none of the first `placed` blocks: start at 0
 * and jump behind each conflict until there is none. */
static uint32_t lowest(const tp_block *block, const int *order, int placed,
                       const tp_block *b) {
    uint32_t offset = 0;
    for (int i = 0; i < placed; i++) {
        const tp_block *other = &block[order[i]];
        if (together(b, other) && offset < other->offset + other->bytes &&
            other->offset < offset + b->bytes) {
            offset = align4(other->offset + other->bytes);
            i = -1;
        }
    }
    return offset;
}

uint32_t tp_place_blocks(tp_block *block, int *order, int n) {
    uint32_t size = 0;
    sort(block, order, n);
    for (int i = 0; i < n; i++) {
        tp_block *b = &block[order[i]];
        b->offset = lowest(block, order, i, b);
        const uint32_t end = align4(b->offset + b->bytes);
        size = end > size ? end : size;
    }
    return size;
}

uint32_t tp_place_peak(const tp_block *block, int n, int n_steps, int *step) {
    uint32_t peak = 0;
    for (int s = 0; s < n_steps; s++) {
        uint32_t live = 0;
        for (int i = 0; i < n; i++) {
            if (block[i].first <= s && s <= block[i].last) {
                live += align4(block[i].bytes);
            }
        }
        if (live > peak) {
            peak = live;
            *step = s;
        }
    }
    return peak;
}

bool tp_place_valid(const tp_block *block, int n) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            const tp_block *a = &block[i];
            const tp_block *b = &block[j];
            if (together(a, b) && a->offset < b->offset + b->bytes &&
                b->offset < a->offset + a->bytes) {
                return false;
            }
        }
    }
    return true;
}
