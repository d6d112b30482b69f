/* tinypeft unpack: the adapter that a delta makes. */
#include "cli/delta.h"

static tp_status unpack(tp_cli *cli) {
    const tp_options *o = &cli->options;
    tp_delta d;
    tp_bytes blob;
    TP_TRY(tp_delta_read(cli, o->file, &d));
    if (o->key != NULL) {
        TP_TRY(tp_delta_verify(cli, &d));
    }
    TP_TRY(tp_delta_blob(cli, &d, &blob));
    const tp_out_file file = {o->output, blob.data, blob.n};
    TP_TRY(tp_files_write(&cli->diag, &file, 1));
    printf("%s: %s bytes%s\n", o->output, tp_text_grouped(&cli->arena, blob.n),
           o->key != NULL ? ", the signature is right"
                          : "; the signature was not asked for");
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    return unpack(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_unpack = {
    .name = "unpack",
    .bit = TP_CMD_UNPACK,
    .summary = "makes the adapter that is in a delta",
    .usage = "DELTA -o ADAPTER [--from OLD] [--key KEY.pub]",
    .notes = "The adapter has the bytes that the device will have. Which "
             "adapters it holds only\nthe note beside the original says: give "
             "--adapter to 'tinypeft eval' and others.\n",
    .examples = "  tinypeft unpack my.delta -o my.tpa --key product.key.pub\n"
                "  tinypeft unpack next.delta --from my.tpa -o next.tpa\n",
    .run = run};
