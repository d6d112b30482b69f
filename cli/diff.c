/* tinypeft diff: what one adapter, or delta, changes of another. */
#include <math.h>
#include <string.h>

#include "cli/delta.h"
#include "cli/session.h"
#include "cli/table.h"
#include "core/bytes.h"
#include "tinypeft/adapter.h"

/* One of the two. */
typedef struct side {
    tp_delta file;
    tp_bytes blob;
    uint8_t *adapter; /* with --model */
} side;

typedef struct differ {
    tp_cli *cli;
    side a, b;
    tp_session session; /* with --model */
    cJSON *json;        /* with --json */
    int differ;         /* fields and tensors */
} differ;

/* --- fields --------------------------------------------------------------- */

/* A line, or an entry, for a field that differs. */
static void field(differ *d, const char *name, const char *a, const char *b) {
    if (strcmp(a, b) == 0) {
        return;
    }
    d->differ++;
    if (d->json == NULL) {
        printf("  %-12s%s -> %s\n", name, a, b);
        return;
    }
    cJSON *pair = cJSON_AddArrayToObject(
        cJSON_GetObjectItemCaseSensitive(d->json, "fields"), name);
    (void)cJSON_AddItemToArray(pair, cJSON_CreateString(a));
    (void)cJSON_AddItemToArray(pair, cJSON_CreateString(b));
}

static const char *number(const differ *d, uint64_t value) {
    const char *text =
        tp_arena_printf(&d->cli->arena, "%llu", (unsigned long long)value);
    return text != NULL ? text : "?";
}

static const char *hex(const differ *d, const uint8_t *bytes, size_t n) {
    return tp_text_hex(&d->cli->arena, bytes, n);
}

static void blob_fields(differ *d) {
    const uint8_t *a = d->a.blob.data;
    const uint8_t *b = d->b.blob.data;
    field(d, "bytes", number(d, d->a.blob.n), number(d, d->b.blob.n));
    field(d, "base", hex(d, a + 16, 16), hex(d, b + 16, 16));
    field(d, "layout", number(d, tp_get_u32(a + 8)),
          number(d, tp_get_u32(b + 8)));
}

static const char *signer(const differ *d, const tp_package *p) {
    const char *text =
        p->is_signed ? tp_arena_printf(&d->cli->arena, "%s %s",
                                       tp_algorithm_name(p->cose.algorithm),
                                       hex(d, p->cose.key_id, TP_KEY_ID_BYTES))
                     : "nobody";
    return text != NULL ? text : "?";
}

static void delta_fields(differ *d) {
    const tp_manifest *a = &d->a.file.package.cose.manifest;
    const tp_manifest *b = &d->b.file.package.cose.manifest;
    const struct {
        const char *name;
        uint64_t a, b;
    } row[] = {{"sequence", a->seq, b->seq},
               {"id", a->adapter, b->adapter},
               {"class", a->device_class, b->device_class},
               {"ABI", a->abi, b->abi},
               {"payload", a->payload_bytes, b->payload_bytes}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        field(d, row[i].name, number(d, row[i].a), number(d, row[i].b));
    }
    field(d, "encoding", tp_encoding_name(a->encoding),
          tp_encoding_name(b->encoding));
    field(d, "signed by", signer(d, &d->a.file.package),
          signer(d, &d->b.file.package));
}

/* --- tensors -------------------------------------------------------------- */

/* Value i of a parameter, as a real number. */
static double value_of(const tp_param *p, const uint8_t *adapter, uint32_t i) {
    const uint8_t *at = adapter + p->adapter;
    if (p->type == TP_PARAM_Q8) {
        return ldexp((int8_t)at[4 + i], (int8_t)at[0]);
    }
    if (p->type == TP_PARAM_S16) {
        return ldexp((int16_t)tp_get_u16(at + 2 * i), -13);
    }
    const uint32_t bits = p->type == TP_PARAM_Q4 ? 4 : 2;
    const uint8_t byte = at[tp_packed_header(p->ranks) + i * bits / 8];
    const int code = byte >> (i * bits % 8) & ((1 << bits) - 1);
    const int sign = 1 << (bits - 1);
    return ldexp((code ^ sign) - sign, (int8_t)at[i / p->stride % p->ranks]);
}

typedef struct change {
    uint32_t changed, of;
    double norm, before; /* of the change; of the tensor of A */
} change;

static change compare_param(const differ *d, const tp_param *p) {
    change c = {0, p->count, 0.0, 0.0};
    for (uint32_t i = 0; i < p->count; i++) {
        const double a = value_of(p, d->a.adapter, i);
        const double b = value_of(p, d->b.adapter, i);
        c.changed += a < b || a > b;
        c.norm += (b - a) * (b - a);
        c.before += a * a;
    }
    c.norm = sqrt(c.norm);
    c.before = sqrt(c.before);
    return c;
}

/* Places of a list: how many are others. */
static change compare_index(const differ *d, const tp_index *index) {
    change c = {0, index->count, 0.0, 0.0};
    for (uint32_t i = 0; i < index->count; i++) {
        const uint32_t at = index->adapter + 2 * i;
        c.changed +=
            tp_get_u16(d->a.adapter + at) != tp_get_u16(d->b.adapter + at);
    }
    return c;
}

static tp_status add_row(differ *d, tp_table *table, const char *name,
                         const change *c) {
    d->differ += c->changed > 0;
    if (d->json != NULL) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "name", name);
        (void)cJSON_AddNumberToObject(item, "changed", c->changed);
        (void)cJSON_AddNumberToObject(item, "of", c->of);
        tp_json_add_float(item, "norm", c->norm);
        tp_json_add_float(item, "before", c->before);
        (void)cJSON_AddItemToArray(
            cJSON_GetObjectItemCaseSensitive(d->json, "tensors"), item);
        return TP_OK;
    }
    const char **row = tp_table_row(table);
    if (row == NULL) {
        return tp_no_memory(&d->cli->diag);
    }
    row[0] = name;
    row[1] = tp_text_grouped(table->arena, c->changed);
    row[2] = tp_text_grouped(table->arena, c->of);
    row[3] = tp_table_text(table, "%.4g", c->norm);
    row[4] = tp_table_text(table, "%.4g", c->before);
    return TP_OK;
}

static tp_status head_row(differ *d, tp_table *table) {
    static const char *const head[] = {"tensor", "changed", "of", "norm",
                                       "norm of A"};
    const char **row = tp_table_row(table);
    if (row == NULL) {
        return tp_no_memory(&d->cli->diag);
    }
    memcpy(row, head, sizeof head);
    return TP_OK;
}

static tp_status tensors(differ *d) {
    const tp_model *model = &d->session.plan.model;
    tp_table table = {.arena = &d->cli->arena, .columns = 5, .align = "lrrrr"};
    if (d->json != NULL) {
        (void)cJSON_AddArrayToObject(d->json, "tensors");
    }
    TP_TRY(head_row(d, &table));
    for (uint32_t i = 0; i < model->n_params; i++) {
        const change c = compare_param(d, &model->params[i]);
        TP_TRY(add_row(d, &table, model->params[i].name, &c));
    }
    for (uint32_t i = 0; i < model->n_indices; i++) {
        const change c = compare_index(d, &model->indices[i]);
        TP_TRY(add_row(d, &table, model->indices[i].name, &c));
    }
    if (d->json == NULL) {
        tp_table_print(&table);
    }
    return TP_OK;
}

/* Without the model: bytes. */
static void bytes(differ *d) {
    const tp_bytes *a = &d->a.blob;
    const tp_bytes *b = &d->b.blob;
    const size_t n = a->n < b->n ? a->n : b->n;
    size_t changed = a->n > b->n ? a->n - b->n : b->n - a->n;
    const size_t of = (a->n > b->n ? a->n : b->n) - TP_BLOB_HEADER_BYTES;
    for (size_t i = TP_BLOB_HEADER_BYTES; i < n; i++) {
        changed += a->data[i] != b->data[i];
    }
    d->differ += changed > 0;
    if (d->json != NULL) {
        (void)cJSON_AddNumberToObject(d->json, "changed_bytes",
                                      (double)changed);
        (void)cJSON_AddNumberToObject(d->json, "payload_bytes", (double)of);
        return;
    }
    printf("%s of %s bytes of weights differ%s\n",
           tp_text_grouped(&d->cli->arena, changed),
           tp_text_grouped(&d->cli->arena, of),
           changed > 0 ? "; --model MODEL shows them tensor by tensor" : "");
}

/* --- reading -------------------------------------------------------------- */

static tp_status read_side(tp_cli *cli, const char *path, side *s) {
    TP_TRY(tp_delta_read_any(cli, path, &s->file));
    TP_TRY(tp_delta_blob(cli, &s->file, &s->blob));
    return s->blob.n >= TP_BLOB_HEADER_BYTES
               ? TP_OK
               : tp_error(&cli->diag, TP_ERR_MALFORMED,
                          "%s: its blob is shorter than a header", path);
}

/* Which adapters they hold: --adapter, or the note beside one of them. */
static tp_status open_model(differ *d) {
    tp_cli *cli = d->cli;
    if (cli->options.adapter.n == 0) {
        const side *s = d->a.file.is_blob ? &d->a : &d->b;
        if (!s->file.is_blob) {
            return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                            "--model: a delta does not say which adapters it "
                            "holds; give them with --adapter as in training");
        }
        cli->options.load = s->file.path;
    }
    return tp_session_open(cli, &d->session);
}

static tp_status load_side(differ *d, side *s) {
    tp_ctx ctx = d->session.ctx;
    s->adapter = tp_arena_alloc(&d->cli->arena,
                                d->session.plan.model.adapter_bytes + 1, 1);
    if (s->adapter == NULL) {
        return tp_no_memory(&d->cli->diag);
    }
    ctx.adapter = s->adapter;
    const tp_status status =
        tp_blob_read(&ctx, s->blob.data, (uint32_t)s->blob.n);
    return status == TP_OK
               ? TP_OK
               : tp_error(&d->cli->diag, status,
                          "%s: is damaged, or for another model or other "
                          "adapters than %s; without --model bytes are "
                          "compared",
                          s->file.path, d->cli->options.model);
}

static tp_status compare(differ *d) {
    const tp_options *o = &d->cli->options;
    if (d->json != NULL) {
        (void)cJSON_AddObjectToObject(d->json, "fields");
    } else {
        printf("%s -> %s\n", o->file, o->other);
    }
    blob_fields(d);
    if (!d->a.file.is_blob && !d->b.file.is_blob) {
        delta_fields(d);
    }
    if (o->model == NULL) {
        bytes(d);
        return TP_OK;
    }
    return tensors(d);
}

static tp_status diff(differ *d) {
    tp_cli *cli = d->cli;
    TP_TRY(read_side(cli, cli->options.file, &d->a));
    TP_TRY(read_side(cli, cli->options.other, &d->b));
    if (cli->options.model != NULL) {
        TP_TRY(open_model(d));
        TP_TRY(load_side(d, &d->a));
        TP_TRY(load_side(d, &d->b));
    }
    d->json = cli->options.json ? cJSON_CreateObject() : NULL;
    const tp_status status = compare(d);
    if (d->json != NULL && status == TP_OK) {
        (void)cJSON_AddBoolToObject(d->json, "same", d->differ == 0);
        tp_json_print(d->json);
    } else if (d->json != NULL) {
        cJSON_Delete(d->json);
    } else if (status == TP_OK && d->differ == 0) {
        printf("nothing differs\n");
    }
    return status;
}

static tp_exit run(tp_cli *cli) {
    differ d = {.cli = cli};
    return diff(&d) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_diff = {
    .name = "diff",
    .bit = TP_CMD_DIFF,
    .summary = "shows what an adapter or a delta changes of another",
    .usage = "A B [--model MODEL] [--from OLD] [--json]",
    .notes = "Without --model fields of the headers and bytes are compared; "
             "with it every\nparameter: how many values change, and the norm "
             "of the change in real numbers.\n",
    .examples = "  tinypeft diff my.tpa next.tpa --model kws.tflite\n"
                "  tinypeft diff my.delta next.delta --from my.tpa\n",
    .run = run};
