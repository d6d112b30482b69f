/* tinypeft pack: a trained adapter in as few bytes as it takes. */
#include <string.h>

#include "cli/delta.h"
#include "cli/table.h"
#include "cli/variants.h"
#include "core/crc32.h"
#include "fleet/pack/encode.h"
#include "tinypeft/version.h"

typedef struct choice {
    const tp_variant *variant;
    bool follows;
    const uint8_t *payload;
    uint32_t bytes;
} choice;

/* --- choosing ------------------------------------------------------------- */

static void offer(choice *best, const tp_variant *p, bool follows,
                  const uint8_t *payload, uint32_t bytes) {
    if (best->variant == NULL || bytes < best->bytes) {
        *best = (choice){p, follows, payload, bytes};
    }
}

/* Left to itself it changes no value: what was accepted when it was trained is
 * what arrives. */
static tp_status choose(tp_cli *cli, const tp_variants *all, choice *out) {
    const int forced = cli->options.encoding;
    *out = (choice){.variant = NULL};
    for (int kind = 0; kind < TP_VARIANTS; kind++) {
        const tp_variant *p = &all->item[kind];
        if (!p->possible ||
            (forced > 0 ? kind != forced - 1 : kind > TP_VARIANT_INT8)) {
            continue;
        }
        offer(out, p, false, p->payload, p->payload_bytes);
        if (p->difference != NULL) {
            offer(out, p, true, p->difference, p->difference_bytes);
        }
    }
    return out->variant != NULL
               ? TP_OK
               : tp_error(&cli->diag, TP_ERR_UNSUPPORTED,
                          "--encoding %s: %s has no weights for it: pruned "
                          "takes lora and lora-fa of 8 bits, int4, ternary and "
                          "csr take any parameter of 8 bits; int8 always fits",
                          all->item[forced - 1].name, cli->options.load);
}

/* --- writing -------------------------------------------------------------- */

static tp_manifest manifest_of(const tp_cli *cli, const tp_variants *all,
                               const choice *c) {
    const tp_model *model = &all->session.plan.model;
    const uint8_t *blob = c->variant->blob;
    uint8_t digest[32];
    tp_manifest m = {.format = TP_DELTA_FORMAT,
                     .payload_bytes = c->bytes,
                     .seq = (uint64_t)cli->options.seq,
                     .abi = TP_ABI,
                     .device_class = (uint32_t)cli->options.class_id,
                     .adapter = (uint32_t)cli->options.adapter_id,
                     .layout = model->layout_id,
                     .encoding = c->follows           ? TP_ENCODING_FOLLOWS
                                 : c->payload == blob ? TP_ENCODING_BLOB
                                                      : TP_ENCODING_SEGMENTS,
                     .blob_bytes = all->blob_bytes,
                     .blob_crc = tp_crc32(0, blob, all->blob_bytes)};
    memcpy(m.base, model->base_sha256, sizeof m.base);
    tp_package_hash(blob, all->blob_bytes, m.blob_sha256);
    if (c->follows) {
        tp_package_hash(all->before, all->blob_bytes, digest);
        memcpy(m.before, digest, sizeof m.before);
    }
    return m;
}

static tp_status write(tp_cli *cli, const tp_variants *all, const choice *c,
                       size_t *bytes) {
    const tp_manifest m = manifest_of(cli, all, c);
    uint8_t *out =
        tp_arena_alloc(&cli->arena, c->bytes + (size_t)TP_PACKAGE_HEAD, 1);
    if (out == NULL) {
        return tp_no_memory(&cli->diag);
    }
    *bytes = tp_package_write(&m, c->payload, out);
    const tp_out_file file = {cli->options.output, out, *bytes};
    return tp_files_write(&cli->diag, &file, 1);
}

/* --- the result ----------------------------------------------------------- */

static size_t delta_bytes(size_t package, int32_t algorithm) {
    return tp_package_signed_bytes(package, algorithm,
                                   algorithm == TP_COSE_ES256
                                       ? TP_ES256_SIGNATURE_BYTES
                                       : TP_SIGNATURE_MOST);
}

static tp_status fill_rows(const tp_variants *all, const choice *c,
                           tp_table *table) {
    static const char *const head[] = {"encoding", "alone", "difference",
                                       "change", ""};
    for (int i = -1; i < TP_VARIANTS; i++) {
        const tp_variant *p = i < 0 ? NULL : &all->item[i];
        if (p != NULL && !p->possible) {
            continue;
        }
        const char **row = tp_table_row(table);
        if (row == NULL) {
            return TP_ERR_NO_MEMORY;
        }
        if (p == NULL) {
            memcpy(row, head, sizeof head);
            continue;
        }
        row[0] = p->name;
        row[1] = tp_text_grouped(table->arena, p->payload_bytes);
        row[2] = p->difference == NULL
                     ? "-"
                     : tp_text_grouped(table->arena, p->difference_bytes);
        row[3] = i <= TP_VARIANT_INT8
                     ? "none"
                     : tp_table_text(table, "%.1f %%", 100.0 * p->change);
        row[4] = p == c->variant ? "<" : "";
    }
    return TP_OK;
}

static tp_status print_text(tp_cli *cli, const tp_variants *all,
                            const choice *c, size_t bytes) {
    tp_table table = {.arena = &cli->arena, .columns = 5, .align = "lrrrl"};
    printf("bytes of the payload, and what becomes of the weights (norm of the "
           "change):\n");
    if (fill_rows(all, c, &table) != TP_OK) {
        return tp_no_memory(&cli->diag);
    }
    tp_table_print(&table);
    printf("%s: %s bytes, %s%s; signed with ES256 %s, with HSS/LMS %s\n",
           cli->options.output, tp_text_grouped(&cli->arena, bytes),
           c->variant->name, c->follows ? " as a difference" : "",
           tp_text_grouped(&cli->arena, delta_bytes(bytes, TP_COSE_ES256)),
           tp_text_grouped(&cli->arena, delta_bytes(bytes, TP_COSE_HSS_LMS)));
    if (c->variant->change > 0.0) {
        printf("the weights change: 'tinypeft unpack' makes the adapter that "
               "devices will have;\nmeasure it with 'tinypeft eval' before it "
               "is signed\n");
    }
    return TP_OK;
}

static void print_json(const tp_variants *all, const choice *c, size_t bytes) {
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(json, "encoding", c->variant->name);
    (void)cJSON_AddBoolToObject(json, "difference", c->follows);
    (void)cJSON_AddNumberToObject(json, "blob_bytes", all->blob_bytes);
    (void)cJSON_AddNumberToObject(json, "payload_bytes", c->bytes);
    (void)cJSON_AddNumberToObject(json, "package_bytes", (double)bytes);
    (void)cJSON_AddNumberToObject(json, "es256_bytes",
                                  (double)delta_bytes(bytes, TP_COSE_ES256));
    (void)cJSON_AddNumberToObject(json, "lms_bytes",
                                  (double)delta_bytes(bytes, TP_COSE_HSS_LMS));
    cJSON *list = cJSON_AddArrayToObject(json, "encodings");
    for (int i = 0; i < TP_VARIANTS; i++) {
        const tp_variant *p = &all->item[i];
        if (!p->possible) {
            continue;
        }
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddStringToObject(item, "name", p->name);
        (void)cJSON_AddNumberToObject(item, "alone", p->payload_bytes);
        if (p->difference != NULL) {
            (void)cJSON_AddNumberToObject(item, "difference",
                                          p->difference_bytes);
        }
        tp_json_add_float(item, "change", p->change);
        (void)cJSON_AddItemToArray(list, item);
    }
    tp_json_print(json);
}

static tp_status pack(tp_cli *cli) {
    tp_variants all;
    choice c;
    size_t bytes = 0;
    TP_TRY(tp_file_writable(&cli->diag, cli->options.output));
    TP_TRY(tp_variants_make(cli, &all));
    TP_TRY(choose(cli, &all, &c));
    TP_TRY(write(cli, &all, &c, &bytes));
    if (cli->options.json) {
        print_json(&all, &c, bytes);
        return TP_OK;
    }
    return print_text(cli, &all, &c, bytes);
}

static tp_exit run(tp_cli *cli) {
    return pack(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_pack = {
    .name = "pack",
    .bit = TP_CMD_PACK,
    .summary = "packs a trained adapter to be signed and shipped",
    .usage = "MODEL --load ADAPTER --seq N -o PACKAGE [OPTIONS]",
    .notes =
        "Every encoding is made and its bytes printed; auto takes the smallest "
        "that changes\nno value. The others change weights of 8 bits:\n"
        "  int4     4 bits and a shift for each parameter\n"
        "  ternary  0, m or -m, an m for each parameter\n"
        "  pruned   the ranks with the smallest |A_r| |B_r| are 0\n"
        "  csr      the smallest weights are 0\n"
        "With --from each is also made as a difference, which only devices "
        "that have OLD\ncan take.\n",
    .examples =
        "  tinypeft pack kws.tflite --load my.tpa --seq 1 -o my.pkg\n"
        "  tinypeft pack kws.tflite --load my.tpa --seq 1 --encoding int4 -o "
        "my.pkg\n"
        "  tinypeft pack kws.tflite --load new.tpa --from my.tpa --seq 2 -o "
        "new.pkg\n",
    .run = run};
