/* tinypeft prune: drops the ranks of a trained adapter that matter least. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/branches.h"
#include "tinypeft/adapter.h"

typedef struct pruner {
    tp_cli *cli;
    tp_session from, to;
    tp_branches branches;
    uint32_t whole; /* bytes of the branches before */
} pruner;

/* --- how many ----------------------------------------------------------- */

/* In the adapter; Q8 and int16 parameters are all that a branch of 8 bits may
 * stand beside, or packed ones, whose codes have a header for each rank. */
static uint32_t param_bytes(const tp_param *param) {
    const uint32_t n = param->count;
    switch ((tp_param_type)param->type) {
    case TP_PARAM_S16:
        return (2u * n + 3u) / 4u * 4u;
    case TP_PARAM_Q4:
        return tp_packed_header(param->ranks) + ((n + 1u) / 2u + 3u) / 4u * 4u;
    case TP_PARAM_Q2:
        return tp_packed_header(param->ranks) + ((n + 3u) / 4u + 3u) / 4u * 4u;
    case TP_PARAM_Q8:
        break;
    }
    return (4u + n + 3u) / 4u * 4u;
}

/* Bytes of the blob with the ranks that are kept now. */
static uint32_t blob_bytes(const pruner *p) {
    const tp_model *model = &p->from.plan.model;
    uint32_t payload = tp_branches_bytes(&p->branches, 8) - p->whole;
    for (uint32_t i = 0; i < model->n_params; i++) {
        payload += param_bytes(&model->params[i]);
    }
    return TP_BLOB_HEADER_BYTES + (payload + 7u) / 8u * 8u;
}

/* "50%" or "50". */
static tp_status read_share(pruner *p, double *share) {
    const char *text = p->cli->options.keep;
    char *end = NULL;
    *share = strtod(text, &end);
    if (end == text || (*end != '\0' && strcmp(end, "%") != 0) ||
        !(*share > 0.0 && *share <= 100.0)) {
        return tp_error(&p->cli->diag, TP_ERR_ARGUMENT,
                        "--keep %s: must be a share such as 50%%, above 0 and "
                        "at most 100%%",
                        text);
    }
    return TP_OK;
}

static tp_status choose(pruner *p) {
    const tp_options *o = &p->cli->options;
    double share = 100.0;
    if ((o->keep == NULL) == (o->bytes == 0)) {
        return tp_error(&p->cli->diag, TP_ERR_ARGUMENT,
                        "give one of --keep SHARE and --bytes N");
    }
    if (o->keep != NULL) {
        TP_TRY(read_share(p, &share));
    }
    int n = (int)lround(share * p->branches.ranks / 100.0);
    n = n > 1 ? n : 1;
    tp_branches_keep(&p->branches, n);
    while (o->bytes > 0 && (int64_t)blob_bytes(p) > o->bytes && n > 1) {
        tp_branches_keep(&p->branches, --n);
    }
    if (o->bytes > 0 && (int64_t)blob_bytes(p) > o->bytes) {
        return tp_error(&p->cli->diag, TP_ERR_BUDGET,
                        "--bytes %lld: with one rank left it is %u bytes",
                        (long long)o->bytes, (unsigned)blob_bytes(p));
    }
    return TP_OK;
}

/* --- the new adapter's specs ---------------------------------------------- */

/* The ranks kept, by bit, as the spec counts them: of ranks that were pruned
 * before, the bits of those that are left. */
static int keep_bits(const tp_branch *b, int before) {
    int bits = 0;
    int at = before > 0 ? before : (1 << b->rank) - 1;
    for (int bit = 0, r = 0; at >> bit != 0; bit++) {
        if ((at >> bit & 1) != 0) {
            bits |= b->keep[r++] ? 1 << bit : 0;
        }
    }
    return bits;
}

static tp_status add_spec(pruner *p, tp_texts *specs, const char *text) {
    if (text == NULL) {
        return tp_no_memory(&p->cli->diag);
    }
    if (specs->n == TP_TEXTS_MAX) {
        return tp_error(&p->cli->diag, TP_ERR_UNSUPPORTED,
                        "the pruned adapter needs more than %d specs",
                        TP_TEXTS_MAX);
    }
    specs->item[specs->n++] = text;
    return TP_OK;
}

/* One spec of low-rank branches: a spec for each slot that keeps a rank. */
static tp_status split(pruner *p, const tp_adapter_spec *spec,
                       const char **done, tp_texts *specs) {
    for (int i = 0; i < p->branches.n; i++) {
        const tp_branch *b = &p->branches.item[i];
        const int rank = tp_branch_kept(b);
        if (done[i] != NULL || !tp_glob(spec->slots, b->slot)) {
            continue;
        }
        done[i] = b->slot;
        if (rank == 0) {
            continue;
        }
        tp_arena *arena = &p->cli->arena;
        TP_TRY(add_spec(
            p, specs,
            b->a != NULL
                ? tp_arena_printf(arena, "%s=lora:rank=%d", b->slot, rank)
                : tp_arena_printf(arena, "%s=lora-fa:rank=%d,seed=%d,keep=%d",
                                  b->slot, spec->rank, spec->seed,
                                  keep_bits(b, spec->keep))));
    }
    return TP_OK;
}

static tp_status new_specs(pruner *p, tp_texts *specs) {
    const tp_texts *old = &p->from.spec;
    const char **done =
        tp_arena_alloc(&p->cli->arena, (size_t)p->branches.n + 1, sizeof *done);
    if (done == NULL) {
        return tp_no_memory(&p->cli->diag);
    }
    for (int i = 0; i < old->n; i++) {
        tp_adapter_spec spec;
        TP_TRY(tp_adapter_parse(&p->cli->arena, old->item[i], &spec,
                                &p->cli->diag));
        const bool low_rank = strcmp(spec.kind->name, "lora") == 0 ||
                              strcmp(spec.kind->name, "lora-fa") == 0;
        TP_TRY(low_rank && spec.bits == 8 ? split(p, &spec, done, specs)
                                          : add_spec(p, specs, old->item[i]));
    }
    return TP_OK;
}

/* --- its bytes ------------------------------------------------------------ */

static const tp_param *find(const tp_session *session, const char *name) {
    const tp_model *model = &session->plan.model;
    for (uint32_t i = 0; i < model->n_params; i++) {
        if (strcmp(model->params[i].name, name) == 0) {
            return &model->params[i];
        }
    }
    return NULL;
}

static tp_q8 *q8(const tp_session *session, const tp_param *param) {
    return (tp_q8 *)(void *)(session->ctx.adapter + param->adapter);
}

/* The kept ranks of A, which are rows, and of B, which are columns. */
static void copy_ranks(const pruner *p, const tp_branch *b) {
    const tp_param *to_a = b->a != NULL ? find(&p->to, b->a->name) : NULL;
    const tp_param *to_b = find(&p->to, b->b->name);
    if (to_b == NULL) {
        return; /* nothing of the branch is kept */
    }
    const tp_q8 *from = q8(&p->from, b->b);
    const int kept = tp_branch_kept(b);
    tp_q8 *to = q8(&p->to, to_b);
    to->e = from->e;
    for (int r = 0, k = 0; r < b->rank; r++) {
        if (!b->keep[r]) {
            continue;
        }
        for (uint32_t i = 0; i < b->out; i++) {
            to->v[i * (uint32_t)kept + (uint32_t)k] =
                from->v[i * (uint32_t)b->rank + (uint32_t)r];
        }
        if (to_a != NULL) {
            q8(&p->to, to_a)->e = q8(&p->from, b->a)->e;
            memcpy(q8(&p->to, to_a)->v + (uint32_t)k * b->taps,
                   q8(&p->from, b->a)->v + (uint32_t)r * b->taps, b->taps);
        }
        k++;
    }
}

/* Parameters that are no branch's keep their names and sizes. */
static void copy_others(const pruner *p) {
    const tp_model *model = &p->to.plan.model;
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *to = &model->params[i];
        const tp_param *from = find(&p->from, to->name);
        const uint32_t end = i + 1 < model->n_params
                                 ? model->params[i + 1].adapter
                                 : model->adapter_bytes;
        if (from != NULL && from->count == to->count) {
            memcpy(p->to.ctx.adapter + to->adapter,
                   p->from.ctx.adapter + from->adapter, end - to->adapter);
        }
    }
}

/* The model with the new specs; its start state is overwritten. */
static tp_status make(pruner *p) {
    tp_options *options = &p->cli->options;
    const char *load = options->load;
    tp_texts specs = {.n = 0};
    TP_TRY(new_specs(p, &specs));
    options->adapter = specs;
    options->load = NULL;
    options->loss = (int)p->from.loss;
    const tp_status status = tp_session_open(p->cli, &p->to);
    options->load = load;
    TP_TRY(status);
    if (tp_blob_bytes(&p->to.plan.model) != blob_bytes(p)) {
        return tp_error(&p->cli->diag, TP_ERR_MALFORMED,
                        "internal: %u bytes, expected %u",
                        (unsigned)tp_blob_bytes(&p->to.plan.model),
                        (unsigned)blob_bytes(p));
    }
    copy_others(p);
    for (int i = 0; i < p->branches.n; i++) {
        if (tp_branch_kept(&p->branches.item[i]) > 0) {
            copy_ranks(p, &p->branches.item[i]);
        }
    }
    return TP_OK;
}

static tp_status write(pruner *p) {
    tp_cli *cli = p->cli;
    const uint32_t n = tp_blob_bytes(&p->to.plan.model);
    uint8_t *blob = tp_arena_alloc(&cli->arena, n, 1);
    const char *path = tp_note_path(&cli->arena, cli->options.output);
    cJSON *note = tp_note_make(cli, &p->to);
    (void)cJSON_AddStringToObject(note, "pruned from",
                                  tp_file_name(cli->options.load));
    const char *text = tp_json_text(&cli->arena, note);
    if (blob == NULL || path == NULL || text == NULL ||
        tp_blob_write(&p->to.ctx, blob, n) != TP_OK) {
        return tp_no_memory(&cli->diag);
    }
    const tp_out_file files[] = {{cli->options.output, blob, n},
                                 {path, text, strlen(text)}};
    return tp_files_write(&cli->diag, files, 2);
}

/* --- the result ----------------------------------------------------------- */

static void print_slots(const pruner *p) {
    for (int i = 0; i < p->branches.n; i++) {
        const tp_branch *b = &p->branches.item[i];
        printf("  %-12s rank %d of %d:", b->slot, tp_branch_kept(b), b->rank);
        for (int r = 0; r < b->rank; r++) {
            printf(" %s%.3g%s", b->keep[r] ? "" : "(", b->score[r],
                   b->keep[r] ? "" : ")");
        }
        printf("\n");
    }
}

static tp_status report(pruner *p) {
    tp_branches all = p->branches;
    all.item = tp_arena_copy(&p->cli->arena, all.item, (size_t)all.n,
                             sizeof *all.item);
    if (all.item == NULL) {
        return tp_no_memory(&p->cli->diag);
    }
    tp_branches_keep(&all, all.ranks);
    const uint32_t csr =
        tp_branches_csr(&p->cli->arena, &all, p->from.ctx.adapter);
    if (csr == 0) {
        return tp_error(&p->cli->diag, TP_ERR_MALFORMED,
                        "internal: sparse rows do not decode");
    }
    const struct {
        const char *what;
        uint32_t bytes;
    } row[] = {
        {"dense, 8 bits", tp_branches_bytes(&all, 8)},
        {"dense, 4 bits", tp_branches_bytes(&all, 4)},
        {"dense, ternary in 2 bits", tp_branches_bytes(&all, 2)},
        {"these ranks, 8 bits", tp_branches_bytes(&p->branches, 8)},
        {"half of B's rows and of A's columns, 8 bits",
         tp_branches_lines(&all)},
        {"half of all weights as CSR, 8 bits", csr},
    };
    printf("ranks and their scores |A| |B|, dropped ones in brackets:\n");
    print_slots(p);
    printf("bytes of the branches, stored as\n");
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        printf("  %8u  %s\n", (unsigned)row[i].bytes, row[i].what);
    }
    printf("%s: %u bytes; %s: %u bytes\n", p->cli->options.load,
           (unsigned)tp_blob_bytes(&p->from.plan.model), p->cli->options.output,
           (unsigned)tp_blob_bytes(&p->to.plan.model));
    return TP_OK;
}

static tp_status prune(pruner *p) {
    tp_cli *cli = p->cli;
    TP_TRY(tp_file_writable(&cli->diag, cli->options.output));
    TP_TRY(tp_session_open(cli, &p->from));
    TP_TRY(tp_branches_find(cli, &p->from, &p->branches));
    tp_branches_keep(&p->branches, p->branches.ranks);
    p->whole = tp_branches_bytes(&p->branches, 8);
    TP_TRY(choose(p));
    TP_TRY(make(p));
    TP_TRY(write(p));
    return report(p);
}

static tp_exit run(tp_cli *cli) {
    pruner p = {.cli = cli};
    return prune(&p) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_prune = {
    .name = "prune",
    .bit = TP_CMD_PRUNE,
    .summary = "drops the ranks of a trained adapter that matter least",
    .usage = "MODEL --load ADAPTER -o PRUNED --keep SHARE | --bytes N",
    .notes = "Ranks are scored by |A_r| |B_r|, the size of what each adds, and "
             "kept by score\nover all slots. To search for ranks within a "
             "budget, train with a larger rank,\nprune to the budget, and "
             "train on with train --load PRUNED.\n",
    .examples =
        "  tinypeft prune kws.tflite --load my.tpa -o small.tpa --keep 50%\n"
        "  tinypeft prune kws.tflite --load my.tpa -o small.tpa --bytes 2000\n",
    .run = run};
