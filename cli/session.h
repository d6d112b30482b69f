/* A model that is ready to run: compiled with its adapters, an adapter loaded
 * or at its start. And ADAPTER.json, the note beside an adapter's blob that
 * remembers what the blob has no room for. */
#ifndef TP_CLI_SESSION_H
#define TP_CLI_SESSION_H

#include "cli/json.h"
#include "cli/samples.h"

typedef struct tp_session {
    tp_texts spec;     /* of the options, or of ADAPTER.json */
    tp_loss_kind loss; /* likewise */
    tp_plan plan;
    tp_interpreter interpreter;
    tp_ctx ctx;
    tp_port in, out;
    size_t classes;     /* 0: mean squared error */
    const char *sha256; /* of the model file, in hexadecimal */
    tp_bytes blob;      /* of options.load */
} tp_session;

/* Reads cli->options: model, adapter, load, loss, seed. */
TP_MUST_CHECK tp_status tp_session_open(tp_cli *cli, tp_session *session);

/* The file's bytes, with a limit that no model reaches. */
TP_MUST_CHECK tp_status tp_model_read(tp_cli *cli, tp_bytes *out);

/* "ADAPTER.json"; NULL: out of memory. */
char *tp_note_path(tp_arena *arena, const char *adapter);

/* What ADAPTER.json says of the model and the specs; the caller adds the
 * training and writes it. */
cJSON *tp_note_make(const tp_cli *cli, const tp_session *session);

#endif
