#include "cli/branches.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/ops/opdef.h"
#include "core/rng.h"

/* --- finding -------------------------------------------------------------- */

static const tp_q8 *weights(const uint8_t *adapter, const tp_param *param) {
    return (const tp_q8 *)(const void *)(adapter + param->adapter);
}

static const tp_param *param_of(const tp_session *session, int tensor) {
    const tp_model *model = &session->plan.model;
    const tp_tensor *t = &session->plan.graph->tensor[tensor];
    for (uint32_t i = 0; t->role == TP_PARAM && i < model->n_params; i++) {
        if (model->params[i].type == TP_PARAM_Q8 &&
            strcmp(model->params[i].name, t->name) == 0) {
            return &model->params[i];
        }
    }
    return NULL;
}

/* Squared norm of rank r: values first, first + step, .. */
static double squares(const tp_q8 *w, uint32_t first, uint32_t step,
                      uint32_t n) {
    double sum = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        const double v = ldexp(w->v[first + i * step], w->e);
        sum += v * v;
    }
    return sum;
}

/* Squared norms of the ranks of an A that is drawn from its seed. */
static void random_squares(const tp_op *op, const tp_branch *b, double *sum) {
    uint32_t rng = tp_rng_seed((uint32_t)op->attr.seed);
    const uint32_t all = (1u << b->rank) - 1u;
    uint32_t rows = op->attr.value > 0 ? (uint32_t)op->attr.value : all;
    const double unit = (double)op->attr.alpha / sqrt(170.0);
    for (int r = 0; rows != 0; rows >>= 1) {
        double row = 0.0;
        for (uint32_t i = 0; i < b->taps; i++) {
            const double g = unit * tp_rng_gauss_s8(&rng);
            row += g * g;
        }
        if ((rows & 1u) != 0 && r < b->rank) {
            sum[r++] = row;
        }
    }
}

static void score(tp_branch *b, const tp_op *random, const uint8_t *adapter) {
    double a[TP_BRANCH_RANKS] = {0};
    if (b->a == NULL) {
        random_squares(random, b, a);
    }
    for (int r = 0; r < b->rank; r++) {
        if (b->a != NULL) {
            a[r] = squares(weights(adapter, b->a), (uint32_t)r * b->taps, 1,
                           b->taps);
        }
        const double bb = squares(weights(adapter, b->b), (uint32_t)r,
                                  (uint32_t)b->rank, b->out);
        b->score[r] = sqrt(a[r] * bb);
        b->keep[r] = true;
    }
}

/* False where op `at` has no branch that can be pruned. */
static bool read_branch(const tp_session *session, int at, tp_branch *b) {
    const tp_graph *graph = session->plan.graph;
    const tp_op *op = &graph->op[at];
    if (op->kind != TP_OP_CONV_LORA) {
        return false;
    }
    const int a = graph->op[tp_graph_producer(graph, op->in[3])].in[1];
    const int made_by = tp_graph_producer(graph, a);
    const bool random = made_by >= 0 && graph->op[made_by].kind == TP_OP_RANDOM;
    *b = (tp_branch){.slot = op->name,
                     .rank = (int)op->attr.rank,
                     .a = param_of(session, a),
                     .b = param_of(session, op->in[4])};
    if (b->b == NULL || (b->a == NULL && !random)) {
        return false;
    }
    b->taps = (uint32_t)(tp_tensor_count(&graph->tensor[a]) / b->rank);
    b->out = b->b->count / (uint32_t)b->rank;
    score(b, random ? &graph->op[made_by] : NULL, session->ctx.adapter);
    return true;
}

tp_status tp_branches_list(tp_cli *cli, const tp_session *session,
                           tp_branches *out) {
    const tp_graph *graph = session->plan.graph;
    *out = (tp_branches){.item = tp_arena_alloc(&cli->arena,
                                                (size_t)graph->n_ops + 1,
                                                sizeof *out->item)};
    if (out->item == NULL) {
        return tp_no_memory(&cli->diag);
    }
    for (int i = 0; i < graph->first_backward; i++) {
        if (read_branch(session, i, &out->item[out->n])) {
            out->ranks += out->item[out->n++].rank;
        }
    }
    return TP_OK;
}

tp_status tp_branches_find(tp_cli *cli, const tp_session *session,
                           tp_branches *out) {
    TP_TRY(tp_branches_list(cli, session, out));
    return out->n > 0 ? TP_OK
                      : tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                                 "%s: no ranks to prune; lora and lora-fa with "
                                 "bits=8 have some",
                                 cli->options.load);
}

/* --- choosing ------------------------------------------------------------- */

/* Branch and rank with the highest score that is not yet kept. */
static bool *best(tp_branches *branches) {
    bool *found = NULL;
    double most = -1.0;
    for (int i = 0; i < branches->n; i++) {
        tp_branch *b = &branches->item[i];
        for (int r = 0; r < b->rank; r++) {
            if (!b->keep[r] && b->score[r] > most) {
                most = b->score[r];
                found = &b->keep[r];
            }
        }
    }
    return found;
}

void tp_branches_keep(tp_branches *branches, int n) {
    for (int i = 0; i < branches->n; i++) {
        memset(branches->item[i].keep, 0, sizeof branches->item[i].keep);
    }
    for (int i = 0; i < n; i++) {
        bool *rank = best(branches);
        if (rank == NULL) {
            return; /* all are kept */
        }
        *rank = true;
    }
}

int tp_branch_kept(const tp_branch *branch) {
    int n = 0;
    for (int r = 0; r < branch->rank; r++) {
        n += branch->keep[r] ? 1 : 0;
    }
    return n;
}

/* --- bytes ---------------------------------------------------------------- */

static uint32_t aligned(uint32_t n) {
    return (n + 3u) / 4u * 4u;
}

static uint32_t tensor_bytes(uint32_t count, uint32_t ranks, int bits) {
    const uint32_t header = bits == 8 ? 4u : tp_packed_header(ranks);
    return aligned(header + (count * (uint32_t)bits + 7u) / 8u);
}

uint32_t tp_branches_bytes(const tp_branches *branches, int bits) {
    uint32_t bytes = 0;
    for (int i = 0; i < branches->n; i++) {
        const tp_branch *b = &branches->item[i];
        const uint32_t ranks = (uint32_t)tp_branch_kept(b);
        if (ranks > 0) {
            bytes += tensor_bytes(b->out * ranks, ranks, bits);
            bytes +=
                b->a != NULL ? tensor_bytes(b->taps * ranks, ranks, bits) : 0;
        }
    }
    return bytes;
}

uint32_t tp_branches_lines(const tp_branches *branches) {
    uint32_t bytes = 0;
    for (int i = 0; i < branches->n; i++) {
        const tp_branch *b = &branches->item[i];
        const uint32_t rank = (uint32_t)b->rank;
        const uint32_t rows = (b->out + 1) / 2;
        const uint32_t columns = (b->taps + 1) / 2;
        bytes += aligned(4 + rows * rank + rows * (b->out <= 256 ? 1u : 2u));
        if (b->a != NULL) {
            bytes += aligned(4 + columns * rank +
                             columns * (b->taps <= 256 ? 1u : 2u));
        }
    }
    return bytes;
}

/* --- compressed sparse rows ----------------------------------------------- */

typedef struct matrix {
    const tp_q8 *w;
    uint32_t rows, columns;
} matrix;

static bool is_kept(const tp_q8 *w, uint32_t i, double least) {
    return fabs(ldexp(w->v[i], w->e)) > least;
}

/* Writes the matrix; returns the bytes. */
static uint32_t encode(const matrix *m, double least, uint8_t *to) {
    const uint32_t wide = m->columns <= 256 ? 1u : 2u;
    uint32_t kept = 0;
    uint8_t *start = to + 1;
    uint8_t *entry = start + 2u * (m->rows + 1u);
    to[0] = (uint8_t)m->w->e;
    for (uint32_t r = 0; r <= m->rows; r++) {
        start[2 * r] = (uint8_t)kept;
        start[2 * r + 1] = (uint8_t)(kept >> 8);
        for (uint32_t c = 0; r < m->rows && c < m->columns; c++) {
            if (is_kept(m->w, r * m->columns + c, least)) {
                *entry++ = (uint8_t)c;
                if (wide == 2) {
                    *entry++ = (uint8_t)(c >> 8);
                }
                *entry++ = (uint8_t)m->w->v[r * m->columns + c];
                kept++;
            }
        }
    }
    return (uint32_t)(entry - to);
}

/* The bytes say the same matrix. */
static bool decodes(const matrix *m, double least, const uint8_t *from) {
    const uint32_t wide = m->columns <= 256 ? 1u : 2u;
    const uint8_t *start = from + 1;
    const uint8_t *entries = start + 2u * (m->rows + 1u);
    for (uint32_t r = 0; r < m->rows; r++) {
        uint32_t at = start[2 * r] + 256u * start[2 * r + 1];
        const uint32_t end = start[2 * r + 2] + 256u * start[2 * r + 3];
        for (uint32_t c = 0; c < m->columns; c++) {
            const uint8_t *e = entries + at * (wide + 1u);
            const bool here =
                at < end && e[0] + (wide == 2 ? 256u * e[1] : 0u) == c;
            const uint32_t i = r * m->columns + c;
            const int want = is_kept(m->w, i, least) ? m->w->v[i] : 0;
            if ((here ? (int8_t)e[wide] : 0) != want) {
                return false;
            }
            at += here ? 1 : 0;
        }
        if (at != end) {
            return false;
        }
    }
    return true;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add_sizes(const tp_q8 *w, uint32_t n, double *size, size_t *count) {
    for (uint32_t i = 0; i < n; i++) {
        size[(*count)++] = fabs(ldexp(w->v[i], w->e));
    }
}

/* The size at or below which weights are dropped: the median of all. */
static double median(const tp_branches *branches, const uint8_t *adapter,
                     double *size) {
    size_t n = 0;
    for (int i = 0; i < branches->n; i++) {
        const tp_branch *b = &branches->item[i];
        add_sizes(weights(adapter, b->b), b->b->count, size, &n);
        if (b->a != NULL) {
            add_sizes(weights(adapter, b->a), b->a->count, size, &n);
        }
    }
    qsort(size, n, sizeof *size, by_size);
    return size[(n - 1) / 2];
}

uint32_t tp_branches_csr(tp_arena *arena, const tp_branches *branches,
                         const uint8_t *adapter) {
    size_t most = 1;
    for (int i = 0; i < branches->n; i++) {
        const tp_branch *b = &branches->item[i];
        most += b->b->count + (b->a != NULL ? b->a->count : 0);
    }
    double *size = tp_arena_alloc(arena, most, sizeof *size);
    uint8_t *bytes = tp_arena_alloc(arena, 6 * most + 64, 1);
    if (size == NULL || bytes == NULL) {
        return 0;
    }
    const double least = median(branches, adapter, size);
    uint32_t sum = 0;
    for (int i = 0; i < 2 * branches->n; i++) {
        const tp_branch *b = &branches->item[i / 2];
        const uint32_t rank = (uint32_t)b->rank;
        const matrix m =
            i % 2 == 0 ? (matrix){weights(adapter, b->b), b->out, rank}
                       : (matrix){b->a != NULL ? weights(adapter, b->a) : NULL,
                                  rank, b->taps};
        if (m.w != NULL) {
            sum += aligned(encode(&m, least, bytes));
            if (!decodes(&m, least, bytes)) {
                return 0;
            }
        }
    }
    return sum;
}
