/* tinypeft keygen: a key to sign deltas with. */
#include "cli/delta.h"

enum { LMS, ES256 };

static tp_status make(tp_cli *cli) {
    const tp_options *o = &cli->options;
    if (o->algorithm == LMS && o->height != 5 && o->height != 10) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--height %d: must be 5 or 10", (int)o->height);
    }
    const tp_status status = o->algorithm == ES256
                                 ? tp_es256_make(o->file)
                                 : tp_signer_make(o->file, (uint32_t)o->height);
    if (status == TP_ERR_IO) {
        return tp_error(&cli->diag, status,
                        "%s: cannot be made: it, %s.pub%s exists already, or "
                        "the folder cannot be written; no key is ever "
                        "overwritten",
                        o->file, o->file,
                        o->algorithm == LMS ? " or .next" : "");
    }
    if (status == TP_ERR_NO_MEMORY) {
        return tp_no_memory(&cli->diag);
    }
    return status == TP_OK
               ? TP_OK
               : tp_error(&cli->diag, status,
                          "the library of cryptography makes no key");
}

static tp_status keygen(tp_cli *cli) {
    const tp_options *o = &cli->options;
    uint8_t id[32];
    tp_signing_key key;
    TP_TRY(make(cli));
    const tp_status opened = tp_signing_key_open(&key, o->file);
    if (opened != TP_OK) {
        return tp_error(&cli->diag, opened,
                        "%s: was made, and cannot be read back", o->file);
    }
    tp_package_hash(key.public_key, key.public_bytes, id);
    printf("%s: the secret of an %s key; keep it, and let nobody see it\n"
           "%s.pub: %u bytes for devices, key id %s\n",
           o->file, tp_algorithm_name(key.algorithm), o->file,
           (unsigned)key.public_bytes, tp_text_hex(&cli->arena, id, 8));
    if (o->algorithm == LMS) {
        printf("%s.next: which of %d signatures is next; a copy of the key "
               "without it must\nnever sign\n",
               o->file, 1 << o->height);
    }
    tp_signing_key_close(&key);
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    return keygen(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_keygen = {
    .name = "keygen",
    .bit = TP_CMD_KEYGEN,
    .summary = "makes a key that deltas are signed with",
    .usage = "KEY [--algorithm lms|es256] [--height N]",
    .notes =
        "lms: HSS/LMS (RFC 8554), which devices verify without a library. It "
        "has 2^height\nsignatures; each is used once, and KEY.next remembers "
        "which is next. Never restore\nan old KEY.next: two signatures by one "
        "leaf give the key away.\nes256: ECDSA over P-256 with SHA-256; "
        "devices verify it by a PSA library (ports/psa).\n",
    .examples = "  tinypeft keygen product.key\n"
                "  tinypeft keygen product.key --algorithm es256\n",
    .run = run};
