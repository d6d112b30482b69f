/* tinypeft verify: what a delta is, and whether a device would take it. */
#include <string.h>

#include "cli/delta.h"
#include "cli/session.h"
#include "tinypeft/version.h"

/* Is it for this base? */
static tp_status check_model(tp_cli *cli, const tp_delta *d) {
    tp_bytes bytes;
    uint8_t digest[32];
    if (cli->options.model == NULL) {
        return TP_OK;
    }
    TP_TRY(tp_model_read(cli, &bytes));
    tp_package_hash(bytes.data, bytes.n, digest);
    if (memcmp(digest, d->package.cose.manifest.base, sizeof digest) == 0) {
        return TP_OK;
    }
    return tp_error(&cli->diag, TP_ERR_MISMATCH,
                    "%s: is for a model with sha256 %s..; %s has %s..", d->path,
                    tp_text_hex(&cli->arena, d->package.cose.manifest.base, 8),
                    cli->options.model, tp_text_hex(&cli->arena, digest, 8));
}

static tp_status check_version(tp_cli *cli, const tp_delta *d) {
    const tp_manifest *m = &d->package.cose.manifest;
    if (m->abi != TP_ABI) {
        return tp_error(&cli->diag, TP_ERR_MISMATCH,
                        "%s: is for firmware of ABI %u; this version makes %u",
                        d->path, (unsigned)m->abi, (unsigned)TP_ABI);
    }
    if (m->adapter == 0) {
        return tp_error(&cli->diag, TP_ERR_MALFORMED,
                        "%s: names adapter 0, which is none", d->path);
    }
    return TP_OK;
}

static void print_text(tp_cli *cli, const tp_delta *d) {
    const tp_cose *c = &d->package.cose;
    const tp_manifest *m = &c->manifest;
    tp_arena *arena = &cli->arena;
    printf("%s: %s bytes, signed by %s (%s, key id %s)\n", d->path,
           tp_text_grouped(arena, d->bytes.n), cli->options.key,
           tp_algorithm_name(c->algorithm),
           tp_text_hex(arena, c->key_id, sizeof c->key_id));
    printf("  base      sha256 %s\n", tp_text_hex(arena, m->base, 32));
    printf("  adapter   id %u, layout %08x, for device class %u, ABI %u\n",
           (unsigned)m->adapter, (unsigned)m->layout, (unsigned)m->device_class,
           (unsigned)m->abi);
    printf("  sequence  %llu\n", (unsigned long long)m->seq);
    printf("  blob      %s bytes, sha256 %s\n",
           tp_text_grouped(arena, m->blob_bytes),
           tp_text_hex(arena, m->blob_sha256, 32));
    printf("  payload   %s bytes, %s%s\n",
           tp_text_grouped(arena, m->payload_bytes),
           tp_encoding_name(m->encoding),
           m->encoding == TP_ENCODING_FOLLOWS
               ? tp_arena_printf(arena, " to sha256 %s..",
                                 tp_text_hex(arena, m->before, 8))
               : "");
}

static void print_json(tp_cli *cli, const tp_delta *d) {
    const tp_cose *c = &d->package.cose;
    const tp_manifest *m = &c->manifest;
    tp_arena *arena = &cli->arena;
    const struct {
        const char *name;
        double value;
    } number[] = {{"bytes", (double)d->bytes.n},
                  {"head_bytes", (double)c->bytes},
                  {"algorithm", c->algorithm},
                  {"format", m->format},
                  {"payload_bytes", m->payload_bytes},
                  {"seq", (double)m->seq},
                  {"abi", m->abi},
                  {"class", m->device_class},
                  {"flags", m->flags},
                  {"id", m->adapter},
                  {"layout", m->layout},
                  {"encoding", m->encoding},
                  {"blob_bytes", m->blob_bytes},
                  {"blob_crc", m->blob_crc}};
    const struct {
        const char *name;
        const uint8_t *bytes;
        size_t n;
    } text[] = {{"key_id", c->key_id, sizeof c->key_id},
                {"base", m->base, sizeof m->base},
                {"blob_sha256", m->blob_sha256, sizeof m->blob_sha256},
                {"before", m->before,
                 m->encoding == TP_ENCODING_FOLLOWS ? sizeof m->before : 0}};
    cJSON *json = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        (void)cJSON_AddNumberToObject(json, number[i].name, number[i].value);
    }
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        (void)cJSON_AddStringToObject(
            json, text[i].name, tp_text_hex(arena, text[i].bytes, text[i].n));
    }
    tp_json_print(json);
}

static tp_status verify(tp_cli *cli) {
    tp_delta d;
    tp_bytes blob;
    TP_TRY(tp_delta_read(cli, cli->options.file, &d));
    TP_TRY(tp_delta_verify(cli, &d));
    TP_TRY(check_version(cli, &d));
    TP_TRY(check_model(cli, &d));
    TP_TRY(tp_delta_blob(cli, &d, &blob));
    if (cli->options.json) {
        print_json(cli, &d);
    } else {
        print_text(cli, &d);
    }
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    return verify(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_verify = {
    .name = "verify",
    .bit = TP_CMD_VERIFY,
    .summary = "verifies a delta's signature and payload; shows what it is",
    .usage = "DELTA --key KEY.pub [--model MODEL] [--from OLD] [--json]",
    .notes = "Exit code 0: a device of the base, class, ABI and key that are "
             "shown takes it, if\nits own sequence number is lower.\n",
    .examples =
        "  tinypeft verify my.delta --key product.key.pub\n"
        "  tinypeft verify next.delta --key product.key.pub --from my.tpa\n",
    .run = run};
