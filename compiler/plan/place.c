#include "compiler/plan/place.h"

#include <string.h>

#include "compiler/ops/opdef.h"
#include "core/rng.h"

static uint32_t align4(uint32_t n) {
    return (n + 3u) & ~3u;
}

static bool together(const tp_block *a, const tp_block *b) {
    return a->first <= b->last && b->first <= a->last;
}

/* --- what two blocks ask of each other ------------------------------------ */

/* Offsets that a block cannot have: those between lo and hi, both excluded. */
typedef struct gap {
    int64_t lo, hi;
} gap;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Where block y, born over x in the step where x dies, cannot begin. Apart it
 * ends before x or begins behind it; over x it begins `forward` before x does,
 * or ends `reverse` behind x's end. */
static gap above(const tp_block *y, const tp_block *x) {
    return (gap){(int64_t)x->offset - least(y->bytes, y->forward),
                 (int64_t)x->offset + x->bytes - y->bytes +
                     least(y->bytes, y->reverse)};
}

/* The same rule, read from x: where it cannot begin below a placed y. */
static gap below(const tp_block *x, const tp_block *y) {
    return (gap){(int64_t)y->offset + y->bytes - x->bytes -
                     least(y->bytes, y->reverse),
                 (int64_t)y->offset + least(y->bytes, y->forward)};
}

/* Where block i cannot begin because of block j: one gap, or two with a place
 * between them. Returns how many. */
static int gaps_of(const tp_block *block, int i, int j, gap out[2]) {
    const tp_block *a = &block[i];
    const tp_block *b = &block[j];
    const bool over = a->over && a->under == j;
    const bool under = b->over && b->under == i;
    const gap whole = {(int64_t)b->offset - a->bytes,
                       (int64_t)b->offset + b->bytes};
    out[0] = over ? above(a, b) : under ? below(a, b) : whole;
    if ((over && a->exact) || (under && b->exact)) {
        out[0] = (gap){whole.lo, b->offset};
        out[1] = (gap){b->offset, whole.hi};
        return 2;
    }
    return 1;
}

/* --- first fit ------------------------------------------------------------ */

/* The search's tables, all made once. */
typedef struct search {
    tp_arena arena; /* of what follows */
    tp_block *block;
    int n;
    int *near;      /* blocks that live together with block i, ... */
    int *near_at;   /* ... from near[near_at[i]] to near[near_at[i + 1]] */
    gap *gaps;      /* [2 n] scratch */
    bool *placed;   /* [n] scratch */
    int *order;     /* [n] being tried */
    int *from;      /* [n] the order to go on from */
    uint32_t *at;   /* [n] its offsets, ... */
    uint64_t over;  /* ... and the bytes by which blocks end above the bound */
    uint32_t *best; /* [n] offsets of the smallest arena so far */
    uint32_t size;  /* of it */
    uint32_t bound;
    uint32_t rng;
} search;

/* Lowest offset where block i agrees with all that are placed: each gap that
 * covers an offset pushes it up, in any order, until none does. */
static uint32_t lowest(const search *s, int i) {
    int n = 0;
    for (int k = s->near_at[i]; k < s->near_at[i + 1]; k++) {
        if (s->placed[s->near[k]]) {
            n += gaps_of(s->block, i, s->near[k], s->gaps + n);
        }
    }
    int64_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        int left = 0; /* gaps that end above */
        for (int k = 0; k < n; k++) {
            const gap g = s->gaps[k];
            if (g.lo < offset && offset < g.hi) {
                offset = (g.hi + 3) / 4 * 4;
                moved = true;
            } else if (offset < g.hi) {
                s->gaps[left++] = g;
            }
        }
        n = left;
    }
    return (uint32_t)offset;
}

/* Places in the order s->order and keeps it to go on from where no more bytes
 * lie above the bound than before: many blocks may have to move before the
 * arena shrinks, and this counts each. The smallest arena is kept apart. The
 * first `same` blocks are those of s->from and lie where they lay. */
static void try_order(search *s, int same) {
    uint32_t size = 0;
    uint64_t over = 0;
    memset(s->placed, 0, (size_t)s->n * sizeof *s->placed);
    for (int k = 0; k < s->n; k++) {
        const int i = s->order[k];
        s->block[i].offset = k < same ? s->at[i] : lowest(s, i);
        s->placed[i] = true;
        const uint32_t end = align4(s->block[i].offset + s->block[i].bytes);
        size = end > size ? end : size;
        over += end > s->bound ? end - s->bound : 0;
        if (size >= s->size && over > s->over) {
            return; /* neither */
        }
    }
    if (over <= s->over) {
        memcpy(s->from, s->order, (size_t)s->n * sizeof *s->from);
        for (int i = 0; i < s->n; i++) {
            s->at[i] = s->block[i].offset;
        }
        s->over = over;
    }
    if (size < s->size) {
        for (int i = 0; i < s->n; i++) {
            s->best[i] = s->block[i].offset;
        }
        s->size = size;
    }
}

/* --- orders --------------------------------------------------------------- */

static int64_t life(const tp_block *b) {
    return b->last - b->first + 1;
}

enum { BY_BYTES, BY_AREA, BY_LIFE, BY_FIRST, BY_LAST, RULES };

static int64_t weight(const tp_block *b, int rule) {
    const int64_t weights[RULES] = {[BY_BYTES] = b->bytes,
                                    [BY_AREA] = b->bytes * life(b),
                                    [BY_LIFE] = life(b),
                                    [BY_FIRST] = -b->first,
                                    [BY_LAST] = b->last};
    return weights[rule];
}

static bool before(const tp_block *a, const tp_block *b, int rule) {
    const int64_t u = weight(a, rule);
    const int64_t v = weight(b, rule);
    if (u != v) {
        return u > v;
    }
    return a->bytes != b->bytes ? a->bytes > b->bytes : a->first < b->first;
}

/* Stable insertion sort: the same order on every host. */
static void sort(const search *s, int rule) {
    for (int i = 0; i < s->n; i++) {
        int at = i;
        while (at > 0 &&
               before(&s->block[i], &s->block[s->order[at - 1]], rule)) {
            s->order[at] = s->order[at - 1];
            at--;
        }
        s->order[at] = i;
    }
}

/* One change of s->from: a block that ends above the bound, or any other one,
 * is placed earlier. Returns its new place: nothing changes before it. */
static int change(search *s) {
    const uint32_t n = (uint32_t)s->n;
    memcpy(s->order, s->from, (size_t)n * sizeof *s->order);
    uint32_t from = tp_rng_below(&s->rng, n);
    if (tp_rng_below(&s->rng, 2) == 0) {
        for (uint32_t k = 0; k < n; k++) {
            const uint32_t at = (from + k) % n;
            const int i = s->order[at];
            if (align4(s->at[i] + s->block[i].bytes) > s->bound) {
                from = at;
                break;
            }
        }
    }
    const uint32_t to = tp_rng_below(&s->rng, from + 1);
    const int moved = s->order[from];
    memmove(s->order + to + 1, s->order + to, (from - to) * sizeof *s->order);
    s->order[to] = moved;
    return (int)to;
}

/* --- the search ----------------------------------------------------------- */

static bool find_near(search *s, tp_arena *arena) {
    int pairs = 0;
    for (int pass = 0; pass < 2; pass++) {
        pairs = 0;
        for (int i = 0; i < s->n; i++) {
            s->near_at[i] = pairs;
            for (int j = 0; j < s->n; j++) {
                if (j != i && together(&s->block[i], &s->block[j])) {
                    if (pass == 1) {
                        s->near[pairs] = j;
                    }
                    pairs++;
                }
            }
        }
        s->near_at[s->n] = pairs;
        if (pass == 0) {
            s->near = tp_arena_alloc(arena, (size_t)pairs + 1, sizeof(int));
        }
        if (s->near == NULL) {
            return false;
        }
    }
    return true;
}

static bool begin(search *s) {
    tp_arena *arena = &s->arena;
    const size_t n = (size_t)s->n;
    int end = 0;
    int step = 0;
    for (int i = 0; i < s->n; i++) {
        end = s->block[i].last > end ? s->block[i].last : end;
    }
    s->bound = tp_place_peak(s->block, s->n, end + 1, &step);
    s->size = UINT32_MAX - 1;
    s->over = UINT64_MAX;
    s->near_at = tp_arena_alloc(arena, n + 1, sizeof *s->near_at);
    s->gaps = tp_arena_alloc(arena, 2 * n + 2, sizeof *s->gaps);
    s->placed = tp_arena_alloc(arena, n + 1, sizeof *s->placed);
    s->order = tp_arena_alloc(arena, n + 1, sizeof *s->order);
    s->from = tp_arena_alloc(arena, n + 1, sizeof *s->from);
    s->best = tp_arena_alloc(arena, n + 1, sizeof *s->best);
    s->at = tp_arena_alloc(arena, n + 1, sizeof *s->at);
    return s->near_at && s->gaps && s->placed && s->order && s->best && s->at &&
           find_near(s, arena);
}

/* As many changes for each rule, fewer where they are dear: a change costs one
 * comparison for each pair of blocks that live together. */
static int changes(const search *s, int effort) {
    enum { MOST_PAIRS = 8000000 };
    const int dear = MOST_PAIRS / (s->near_at[s->n] + s->n);
    const int fair = effort * s->n / RULES;
    return fair < dear ? fair : dear;
}

/* Each rule starts alike whatever the effort: more of it never places worse.
 */
static void find(search *s, int effort) {
    for (int rule = 0; rule < RULES && s->size > s->bound; rule++) {
        sort(s, rule);
        try_order(s, 0);
    }
    for (int rule = 0; rule < RULES && s->size > s->bound; rule++) {
        sort(s, rule);
        s->over = UINT64_MAX;
        s->rng = tp_rng_seed((uint32_t)rule + 1);
        try_order(s, 0);
        for (int i = changes(s, effort); i > 0 && s->size > s->bound; i--) {
            try_order(s, change(s));
        }
    }
    for (int i = 0; i < s->n; i++) {
        s->block[i].offset = s->best[i];
    }
}

uint32_t tp_place_blocks(tp_block *block, int n, int effort) {
    search s = {.block = block, .n = n};
    if (n == 0) {
        return 0;
    }
    const bool begun = begin(&s);
    if (begun) {
        find(&s, effort);
    }
    tp_arena_free(&s.arena);
    return begun ? s.size : UINT32_MAX;
}

/* --- bound and proof ------------------------------------------------------ */

/* Bytes of block y and the one under it, at least. */
static uint32_t together_bytes(const tp_block *y, const tp_block *x) {
    const int64_t apart = (int64_t)align4(x->bytes) + align4(y->bytes);
    const int32_t least_forward = y->exact ? 0 : y->forward;
    const int32_t near =
        least_forward < y->reverse ? least_forward : y->reverse;
    const int64_t over = (int64_t)x->bytes + (near > 0 ? near : 0);
    const int64_t both = over > y->bytes ? over : y->bytes;
    return (uint32_t)least(apart, (both + 3) / 4 * 4);
}

uint32_t tp_place_peak(const tp_block *block, int n, int n_steps, int *step) {
    uint32_t peak = 0;
    for (int s = 0; s < n_steps; s++) {
        uint32_t live = 0;
        for (int i = 0; i < n; i++) {
            const tp_block *b = &block[i];
            if (b->first <= s && s <= b->last) {
                live += align4(b->bytes);
            }
            if (b->over && b->first == s) {
                const tp_block *x = &block[b->under];
                live -=
                    align4(b->bytes) + align4(x->bytes) - together_bytes(b, x);
            }
        }
        if (live > peak) {
            peak = live;
            *step = s;
        }
    }
    return peak;
}

static bool apart(const tp_block *a, const tp_block *b) {
    return a->region != b->region || a->offset >= b->offset + b->bytes ||
           b->offset >= a->offset + a->bytes;
}

tp_lie tp_place_lie(const tp_block *block, int i) {
    const tp_block *y = &block[i];
    if (!y->over || apart(y, &block[y->under])) {
        return TP_LIE_APART;
    }
    const tp_block *x = &block[y->under];
    if (y->exact) {
        return y->offset == x->offset ? TP_LIE_FORWARD : TP_LIE_WRONG;
    }
    const int64_t down = (int64_t)x->offset - y->offset;
    const int64_t up = (int64_t)y->offset + y->bytes - x->offset - x->bytes;
    if (y->forward < TP_APART && down >= y->forward) {
        return TP_LIE_FORWARD;
    }
    return y->reverse < TP_APART && up >= y->reverse ? TP_LIE_REVERSE
                                                     : TP_LIE_WRONG;
}

bool tp_place_valid(const tp_block *block, int n) {
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            const tp_block *a = &block[i];
            const tp_block *b = &block[j];
            if (!together(a, b) || apart(a, b)) {
                continue;
            }
            const bool lies = (a->over && a->under == j &&
                               tp_place_lie(block, i) != TP_LIE_WRONG) ||
                              (b->over && b->under == i &&
                               tp_place_lie(block, j) != TP_LIE_WRONG);
            if (!lies) {
                return false;
            }
        }
    }
    return true;
}
