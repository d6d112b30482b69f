#include "compiler/plan/region.h"

typedef struct spreader {
    tp_arena arena;
    tp_spread *s;
    int *order;     /* [n] */
    tp_block *some; /* [n] the blocks of one region */
    int *at;        /* [n] where a block stands among them, or -1 */
} spreader;

/* Places what is in region r, and `more` unless -1; UINT32_MAX: no memory. */
static uint32_t place(spreader *p, int r, int more, int effort) {
    int n = 0;
    for (int i = 0; i < p->s->n; i++) {
        p->at[i] = -1;
        if (i == more || p->s->block[i].region == r) {
            p->at[i] = n;
            p->some[n++] = p->s->block[i];
        }
    }
    for (int k = 0; k < n; k++) {
        tp_block *b = &p->some[k];
        b->under = b->over ? p->at[b->under] : 0;
        b->over = b->over && b->under >= 0;
    }
    return tp_place_blocks(p->some, n, effort);
}

/* --- which region --------------------------------------------------------- */

/* a goes before b: by accesses per byte, or by size. */
static bool before(const tp_spread *s, int a, int b, bool by_heat) {
    const int64_t bytes_a = s->block[a].bytes;
    const int64_t bytes_b = s->block[b].bytes;
    return by_heat ? s->heat[a] * bytes_b > s->heat[b] * bytes_a
                   : bytes_a > bytes_b;
}

static void sort(spreader *p, bool by_heat) {
    for (int i = 0; i < p->s->n; i++) {
        int at = i;
        while (at > 0 && before(p->s, i, p->order[at - 1], by_heat)) {
            p->order[at] = p->order[at - 1];
            at--;
        }
        p->order[at] = i;
    }
}

/* The fastest region where the block still fits. */
static tp_status assign(spreader *p, int block) {
    tp_spread *s = p->s;
    s->missing = UINT32_MAX;
    for (int r = 0; r < s->n_regions; r++) {
        const uint32_t bytes = place(p, r, block, 0);
        if (bytes == UINT32_MAX) {
            return TP_ERR_NO_MEMORY;
        }
        if (bytes <= s->region[r].bytes) {
            s->block[block].region = r;
            return TP_OK;
        }
        if (bytes - s->region[r].bytes < s->missing) {
            s->missing = bytes - s->region[r].bytes;
            s->nearest = r;
        }
    }
    s->homeless = block;
    return TP_ERR_BUDGET;
}

static tp_status assign_all(spreader *p, bool by_heat) {
    sort(p, by_heat);
    for (int i = 0; i < p->s->n; i++) {
        p->s->block[i].region = -1;
    }
    for (int i = 0; i < p->s->n; i++) {
        TP_TRY(assign(p, p->order[i]));
    }
    return TP_OK;
}

/* --- addresses ------------------------------------------------------------ */

static tp_status place_all(spreader *p) {
    tp_spread *s = p->s;
    for (int r = 0; r < s->n_regions; r++) {
        s->bytes[r] = place(p, r, -1, s->effort);
        if (s->bytes[r] == UINT32_MAX) {
            return TP_ERR_NO_MEMORY;
        }
        for (int i = 0; i < s->n; i++) {
            if (p->at[i] >= 0) {
                s->block[i].offset = p->some[p->at[i]].offset;
            }
        }
    }
    for (int i = 0; i < s->n; i++) {
        tp_block *b = &s->block[i];
        b->over = b->over && s->block[b->under].region == b->region;
    }
    return TP_OK;
}

static tp_status spread(spreader *p) {
    const size_t n = (size_t)p->s->n + 1;
    p->order = tp_arena_alloc(&p->arena, n, sizeof *p->order);
    p->some = tp_arena_alloc(&p->arena, n, sizeof *p->some);
    p->at = tp_arena_alloc(&p->arena, n, sizeof *p->at);
    if (!p->order || !p->some || !p->at) {
        return TP_ERR_NO_MEMORY;
    }
    tp_status status = assign_all(p, true);
    if (status == TP_ERR_BUDGET) {
        status = assign_all(p, false);
    }
    return status == TP_OK ? place_all(p) : status;
}

tp_status tp_spread_blocks(tp_spread *s) {
    spreader p = {.s = s};
    const tp_status status = spread(&p);
    tp_arena_free(&p.arena);
    return status;
}
