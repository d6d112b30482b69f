#include "cli/variants.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/delta.h"
#include "fleet/pack/encode.h"
#include "fleet/pack/round.h"
#include "tinypeft/adapter.h"

static const char *const names[TP_VARIANTS] = {"blob",    "int8",   "int4",
                                               "ternary", "pruned", "csr"};

/* --- the weights ---------------------------------------------------------- */

/* Parameters of 8 bits; int16 ones are few, and packed ones are small already.
 * Returns how many. */
static int list_weights(const tp_session *s, tp_weights *arrays) {
    const tp_model *model = &s->plan.model;
    int n = 0;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *p = &model->params[i];
        if (p->type == TP_PARAM_Q8) {
            tp_q8 *w = (tp_q8 *)(void *)(s->ctx.adapter + p->adapter);
            arrays[n++] = (tp_weights){w->v, p->count, w->e};
        }
    }
    return n;
}

/* --keep, or what is usual. */
static tp_status share_of(tp_cli *cli, double usual, double *share) {
    const char *text = cli->options.keep;
    char *end = NULL;
    *share = usual;
    if (text == NULL) {
        return TP_OK;
    }
    *share = strtod(text, &end) / 100.0;
    if (end == text || (*end != '\0' && strcmp(end, "%") != 0) ||
        !(*share > 0.0 && *share <= 1.0)) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--keep %s: must be a share such as 50%%, above 0 and "
                        "at most 100%%",
                        text);
    }
    return TP_OK;
}

static tp_q8 *q8(const tp_session *s, const tp_param *p) {
    return (tp_q8 *)(void *)(s->ctx.adapter + p->adapter);
}

/* Row r of A and column r of B. */
static void clear_rank(const tp_session *s, const tp_branch *b, int r) {
    const uint32_t rank = (uint32_t)b->rank;
    if (b->a != NULL) {
        memset(q8(s, b->a)->v + (uint32_t)r * b->taps, 0, b->taps);
    }
    for (uint32_t i = 0; i < b->out; i++) {
        q8(s, b->b)->v[i * rank + (uint32_t)r] = 0;
    }
}

static tp_status prune(tp_cli *cli, const tp_session *s, bool *possible) {
    tp_branches branches;
    double share = 0.0;
    TP_TRY(share_of(cli, 0.5, &share));
    TP_TRY(tp_branches_list(cli, s, &branches));
    *possible = branches.n > 0;
    const int n = (int)lround(share * branches.ranks);
    tp_branches_keep(&branches, n > 1 ? n : 1);
    for (int i = 0; i < branches.n; i++) {
        for (int r = 0; r < branches.item[i].rank; r++) {
            if (!branches.item[i].keep[r]) {
                clear_rank(s, &branches.item[i], r);
            }
        }
    }
    return TP_OK;
}

static tp_status thin(tp_cli *cli, const tp_weights *arrays, int n) {
    double share = 0.0;
    uint32_t all = 0;
    TP_TRY(share_of(cli, 0.25, &share));
    for (int k = 0; k < n; k++) {
        all += arrays[k].n;
    }
    return tp_round_sparse(arrays, n, (uint32_t)lround(share * all)) == 0
               ? TP_OK
               : tp_no_memory(&cli->diag);
}

/* Changes the session's adapter. */
static tp_status round_weights(tp_cli *cli, const tp_session *s,
                               tp_variant_kind kind, const tp_weights *arrays,
                               int n, bool *possible) {
    *possible = kind <= TP_VARIANT_INT8 || n > 0;
    switch (kind) {
    case TP_VARIANT_INT4:
        for (int k = 0; k < n; k++) {
            tp_round_int4(arrays[k].v, arrays[k].n);
        }
        return TP_OK;
    case TP_VARIANT_TERNARY:
        for (int k = 0; k < n; k++) {
            tp_round_ternary(arrays[k].v, arrays[k].n);
        }
        return TP_OK;
    case TP_VARIANT_PRUNED:
        return prune(cli, s, possible);
    case TP_VARIANT_CSR:
        return thin(cli, arrays, n);
    case TP_VARIANT_BLOB:
    case TP_VARIANT_INT8:
    case TP_VARIANTS:
        break;
    }
    return TP_OK;
}

/* --- encoding ------------------------------------------------------------- */

static tp_status encode(tp_cli *cli, const tp_variants *all,
                        const uint8_t *blob, const uint8_t *before,
                        uint8_t **out, uint32_t *n) {
    *out = tp_arena_alloc(&cli->arena, tp_encode_most(all->blob_bytes), 1);
    if (*out == NULL) {
        return tp_no_memory(&cli->diag);
    }
    *n = (uint32_t)tp_encode(blob, before, all->blob_bytes, *out);
    return *n > 0 ? TP_OK : tp_no_memory(&cli->diag);
}

static double change_of(const tp_weights *arrays, int n,
                        const uint8_t *original, const uint8_t *adapter) {
    double change = 0.0;
    double whole = 0.0;
    for (int k = 0; k < n; k++) {
        const int8_t *was =
            (const int8_t *)original + ((const uint8_t *)arrays[k].v - adapter);
        for (uint32_t i = 0; i < arrays[k].n; i++) {
            const double v = ldexp(was[i], arrays[k].e);
            const double d = v - ldexp(arrays[k].v[i], arrays[k].e);
            change += d * d;
            whole += v * v;
        }
    }
    return whole > 0.0 ? sqrt(change / whole) : 0.0;
}

/* One variant; the session's adapter is `original` again when it returns. */
static tp_status make_one(tp_cli *cli, tp_variants *all, tp_variant_kind kind,
                          const uint8_t *original, tp_weights *arrays) {
    const tp_session *s = &all->session;
    const uint32_t bytes = s->plan.model.adapter_bytes;
    tp_variant *p = &all->item[kind];
    const int n = list_weights(s, arrays);
    p->name = names[kind];
    TP_TRY(round_weights(cli, s, kind, arrays, n, &p->possible));
    p->change = change_of(arrays, n, original, s->ctx.adapter);
    p->blob = tp_arena_alloc(&cli->arena, all->blob_bytes, 1);
    if (p->blob == NULL ||
        tp_blob_write(&s->ctx, p->blob, all->blob_bytes) != TP_OK) {
        return tp_no_memory(&cli->diag);
    }
    memcpy(s->ctx.adapter, original, bytes);
    if (kind == TP_VARIANT_BLOB) {
        p->payload = p->blob;
        p->payload_bytes = all->blob_bytes;
        return TP_OK;
    }
    TP_TRY(encode(cli, all, p->blob, NULL, &p->payload, &p->payload_bytes));
    return all->before == NULL ? TP_OK
                               : encode(cli, all, p->blob, all->before,
                                        &p->difference, &p->difference_bytes);
}

/* The adapter before must be one of the same model and layout. */
static tp_status read_before(tp_cli *cli, tp_variants *all) {
    const char *path = cli->options.from;
    tp_ctx scratch = all->session.ctx;
    tp_bytes bytes;
    if (path == NULL) {
        return TP_OK;
    }
    TP_TRY(tp_file_read(&cli->diag, path, TP_DELTA_LIMIT, &bytes));
    scratch.adapter =
        tp_arena_alloc(&cli->arena, all->session.plan.model.adapter_bytes, 1);
    if (scratch.adapter == NULL) {
        return tp_no_memory(&cli->diag);
    }
    if (tp_blob_read(&scratch, bytes.data, (uint32_t)bytes.n) != TP_OK) {
        return tp_error(&cli->diag, TP_ERR_MISMATCH,
                        "--from %s: is no sound adapter of the same model, "
                        "slots and kinds as %s; without --from the delta "
                        "stands alone",
                        path, cli->options.load);
    }
    all->before = bytes.data;
    return TP_OK;
}

tp_status tp_variants_make(tp_cli *cli, tp_variants *out) {
    memset(out, 0, sizeof *out);
    TP_TRY(tp_session_open(cli, &out->session));
    const tp_session *s = &out->session;
    out->blob_bytes = tp_blob_bytes(&s->plan.model);
    TP_TRY(read_before(cli, out));
    uint8_t *original = tp_arena_copy(&cli->arena, s->ctx.adapter,
                                      s->plan.model.adapter_bytes, 1);
    tp_weights *arrays = tp_arena_alloc(
        &cli->arena, (size_t)s->plan.model.n_params + 1, sizeof *arrays);
    if (original == NULL || arrays == NULL) {
        return tp_no_memory(&cli->diag);
    }
    for (int kind = 0; kind < TP_VARIANTS; kind++) {
        TP_TRY(make_one(cli, out, (tp_variant_kind)kind, original, arrays));
    }
    return TP_OK;
}
