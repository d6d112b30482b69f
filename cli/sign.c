/* tinypeft sign: a package becomes a delta that devices take. */
#include "cli/delta.h"

static tp_status key_error(tp_cli *cli, tp_status status) {
    const char *path = cli->options.key;
    if (status == TP_ERR_NO_MEMORY) {
        return tp_no_memory(&cli->diag);
    }
    if (status == TP_ERR_BUDGET) {
        return tp_error(&cli->diag, status,
                        "%s: all of its signatures are used; make another key "
                        "and give its KEY.pub to the devices",
                        path);
    }
    if (status == TP_ERR_IO) {
        return tp_error(&cli->diag, status,
                        "%s: cannot be opened, or %s.pub or .next cannot be "
                        "read or written; nothing is signed",
                        path, path);
    }
    return tp_error(&cli->diag, status,
                    "%s: is no secret key, or %s.pub or .next is not its own; "
                    "'tinypeft keygen' makes one",
                    path, path);
}

/* The delta is on the disk after its leaf is used up: a kill between loses a
 * signature, and never gives two by one leaf. */
static tp_status sign_with(tp_cli *cli, const tp_delta *d,
                           tp_signing_key *key) {
    const tp_options *o = &cli->options;
    uint32_t left = 0;
    tp_out_file file = {.path = o->output};
    uint8_t *out = tp_arena_alloc(
        &cli->arena,
        d->package.payload_n + TP_PACKAGE_HEAD + key->signature_bytes, 1);
    if (out == NULL) {
        return tp_no_memory(&cli->diag);
    }
    const tp_status status =
        tp_package_sign(&d->package, key, out, &file.n, &left);
    if (status != TP_OK) {
        return key_error(cli, status);
    }
    file.data = out;
    TP_TRY(tp_files_write(&cli->diag, &file, 1));
    printf("%s: %s bytes, signed by %s (%s)\n", o->output,
           tp_text_grouped(&cli->arena, file.n), o->key,
           tp_algorithm_name(key->algorithm));
    if (left != UINT32_MAX) {
        printf("%s: %u more %s\n", o->key, (unsigned)left,
               tp_text_plural(left, "signature", "signatures"));
    }
    return TP_OK;
}

/* What cannot be unpacked is not worth a signature; a difference is not
 * unpacked here, for `verify --from` does. */
static tp_status check(tp_cli *cli, const tp_delta *d) {
    tp_bytes blob;
    return d->package.cose.manifest.encoding == TP_ENCODING_FOLLOWS
               ? TP_OK
               : tp_delta_blob(cli, d, &blob);
}

static tp_status sign(tp_cli *cli) {
    tp_delta d;
    tp_signing_key key;
    TP_TRY(tp_delta_read(cli, cli->options.file, &d));
    TP_TRY(check(cli, &d));
    TP_TRY(tp_file_writable(&cli->diag, cli->options.output));
    const tp_status opened = tp_signing_key_open(&key, cli->options.key);
    if (opened != TP_OK) {
        return key_error(cli, opened);
    }
    const tp_status status = sign_with(cli, &d, &key);
    tp_signing_key_close(&key);
    return status;
}

static tp_exit run(tp_cli *cli) {
    return sign(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_sign = {
    .name = "sign",
    .bit = TP_CMD_SIGN,
    .summary = "signs a package, so that devices take it",
    .usage = "PACKAGE --key KEY -o DELTA",
    .notes = "With an LMS key, that a signature is used is on the disk before "
             "the signature is\nmade: if the program is killed, one is lost, "
             "and none is ever used twice.\n",
    .examples = "  tinypeft sign my.pkg --key product.key -o my.delta\n",
    .run = run};
