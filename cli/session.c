#include "cli/session.h"

#include <string.h>

#include "tinypeft/adapter.h"
#include "tinypeft/version.h"

#define MODEL_LIMIT ((size_t)1 << 28)
#define NOTE_LIMIT ((size_t)1 << 20)

/* --- ADAPTER.json --------------------------------------------------------- */

char *tp_note_path(tp_arena *arena, const char *adapter) {
    return tp_arena_printf(arena, "%s.json", adapter);
}

cJSON *tp_note_make(const tp_cli *cli, const tp_session *session) {
    cJSON *note = cJSON_CreateObject();
    (void)cJSON_AddStringToObject(note, "tinypeft", TP_VERSION);
    cJSON *model = cJSON_AddObjectToObject(note, "model");
    (void)cJSON_AddStringToObject(model, "file",
                                  tp_file_name(cli->options.model));
    (void)cJSON_AddStringToObject(model, "sha256", session->sha256);
    (void)cJSON_AddItemToObject(
        note, "adapter",
        cJSON_CreateStringArray(session->spec.item, session->spec.n));
    (void)cJSON_AddStringToObject(note, "loss", tp_loss_names[session->loss]);
    return note;
}

static tp_status bad_note(tp_diag *diag, const char *path, const char *what) {
    return tp_error(diag, TP_ERR_MALFORMED,
                    "%s: %s; name the adapter with --adapter as in training",
                    path, what);
}

static tp_status note_specs(tp_diag *diag, const char *path, const cJSON *note,
                            tp_session *session) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(note, "adapter");
    const cJSON *item = NULL;
    tp_texts *spec = &session->spec;
    if (!cJSON_IsArray(list)) {
        return bad_note(diag, path, "has no list \"adapter\"");
    }
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item) || spec->n == TP_TEXTS_MAX) {
            return bad_note(diag, path, "\"adapter\" is no list of texts");
        }
        spec->item[spec->n] =
            tp_arena_printf(diag->arena, "%s", cJSON_GetStringValue(item));
        if (spec->item[spec->n++] == NULL) {
            return tp_no_memory(diag);
        }
    }
    return spec->n > 0 ? TP_OK : bad_note(diag, path, "\"adapter\" is empty");
}

static tp_status note_parse(tp_cli *cli, const char *path, const cJSON *note,
                            tp_session *session) {
    tp_diag *diag = &cli->diag;
    const char *sha256 = tp_json_string(note, "model", "sha256");
    const char *loss = tp_json_string(note, "loss", NULL);
    if (sha256 == NULL || loss == NULL) {
        return bad_note(diag, path, "is no note of an adapter");
    }
    session->sha256 = tp_arena_printf(diag->arena, "%s", sha256);
    if (session->sha256 == NULL) {
        return tp_no_memory(diag);
    }
    for (int i = TP_LOSS_AUTO; i <= TP_LOSS_MSE; i++) {
        if (cli->options.loss == TP_LOSS_AUTO &&
            strcmp(loss, tp_loss_names[i]) == 0) {
            session->loss = (tp_loss_kind)i;
        }
    }
    return note_specs(diag, path, note, session);
}

/* Where no --adapter is given, what was given in training. */
static tp_status read_note(tp_cli *cli, tp_session *session) {
    tp_diag *diag = &cli->diag;
    tp_bytes bytes;
    const char *path = tp_note_path(diag->arena, cli->options.load);
    if (path == NULL) {
        return tp_no_memory(diag);
    }
    if (tp_file_read(diag, path, NOTE_LIMIT, &bytes) != TP_OK) {
        return tp_error(diag, TP_ERR_IO,
                        "%s says which adapters %s holds; without it, give "
                        "them with --adapter as in training",
                        path, cli->options.load);
    }
    cJSON *note = cJSON_ParseWithLength((const char *)bytes.data, bytes.n);
    if (note == NULL) {
        return bad_note(diag, path, "is no JSON");
    }
    const tp_status status = note_parse(cli, path, note, session);
    cJSON_Delete(note);
    return status;
}

/* --- the blob ------------------------------------------------------------- */

static const char *blob_error(tp_status status) {
    switch (status) {
    case TP_ERR_TRUNCATED:
        return "ends too early";
    case TP_ERR_UNSUPPORTED:
        return "was written by a later version";
    case TP_ERR_MISMATCH:
        return "is for another model or other adapters; give --adapter as in "
               "training";
    case TP_ERR_CORRUPT:
        return "is damaged: its checksum does not match";
    case TP_OK:
    case TP_ERR_IO:
    case TP_ERR_NO_MEMORY:
    case TP_ERR_ARGUMENT:
    case TP_ERR_FULL:
    case TP_ERR_READ_ONLY:
    case TP_ERR_NOT_FOUND:
    case TP_ERR_MALFORMED:
    case TP_ERR_BUDGET:
    case TP_ERR_REPLAYED:
    case TP_ERR_SIGNATURE:
    case TP_ERR_UNDONE:
    case TP_ERR_DIVERGED:
        break;
    }
    return "is no adapter, or more than one";
}

static tp_status load_blob(tp_cli *cli, tp_session *session) {
    const char *path = cli->options.load;
    const tp_status status = tp_blob_read(&session->ctx, session->blob.data,
                                          (uint32_t)session->blob.n);
    return status == TP_OK ? TP_OK
                           : tp_error(&cli->diag, status, "%s: %s", path,
                                      blob_error(status));
}

/* --- the model ------------------------------------------------------------ */

tp_status tp_model_read(tp_cli *cli, tp_bytes *out) {
    return tp_file_read(&cli->diag, cli->options.model, MODEL_LIMIT, out);
}

/* The note names the model it was made for: a better message than specs that
 * do not fit or the blob's mismatch can be. */
static tp_status check_sha256(tp_cli *cli, tp_session *session,
                              const tp_bytes *bytes) {
    const char *noted = session->sha256;
    session->sha256 = tp_text_sha256(&cli->arena, bytes);
    if (noted == NULL || strcmp(noted, session->sha256) == 0) {
        return TP_OK;
    }
    return tp_error(&cli->diag, TP_ERR_MISMATCH,
                    "%s: was trained for a model with sha256 %.16s..; %s has "
                    "%.16s..",
                    cli->options.load, noted, tp_file_name(cli->options.model),
                    session->sha256);
}

static tp_status compile(tp_cli *cli, tp_session *session) {
    tp_bytes bytes;
    TP_TRY(tp_model_read(cli, &bytes));
    TP_TRY(check_sha256(cli, session, &bytes));
    const tp_compile_options options = {
        .name = tp_text_stem(&cli->arena, cli->options.model),
        .spec = session->spec.item,
        .n_specs = session->spec.n,
        .loss = session->loss,
        .state = (tp_state_kind)cli->options.state,
        .ram = (uint32_t)cli->options.ram,
        .plan.samples = (uint32_t)cli->options.samples};
    cli->diag.file = tp_file_name(cli->options.model);
    const tp_status status = tp_compile(&cli->arena, bytes.data, bytes.n,
                                        &options, &session->plan, &cli->diag);
    cli->diag.file = NULL;
    return status;
}

/* A QUANTIZE to the type of the file may follow. */
static bool ends_in_softmax(const tp_graph *graph) {
    int at = tp_graph_producer(graph, graph->output);
    if (at >= 0 && graph->op[at].kind == TP_OP_QUANTIZE) {
        at = tp_graph_producer(graph, graph->op[at].in[0]);
    }
    return at >= 0 && graph->op[at].kind == TP_OP_SOFTMAX;
}

/* A plan that only infers does not say what it would be trained for: then the
 * rule of TP_LOSS_AUTO tells an autoencoder from a classifier. */
static size_t classes_of(const tp_session *session) {
    if (session->plan.model.n_params > 0) {
        return session->plan.model.classes;
    }
    const bool mse = session->loss == TP_LOSS_AUTO
                         ? session->in.count == session->out.count &&
                               !ends_in_softmax(session->plan.graph)
                         : session->loss == TP_LOSS_MSE;
    return mse ? 0 : session->out.count;
}

/* Targets are compared with the output; training compares them with what
 * stands before a softmax. */
static tp_status check_mse(tp_cli *cli, const tp_session *session) {
    if (session->classes > 0 || !ends_in_softmax(session->plan.graph)) {
        return TP_OK;
    }
    return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                    "--loss mse: %s ends in a softmax; use ce",
                    tp_file_name(cli->options.model));
}

static tp_status start_adapter(tp_cli *cli, tp_session *session) {
    if (cli->options.load != NULL) {
        return load_blob(cli, session);
    }
    if (session->plan.model.n_params > 0) {
        tp_adapter_init(&session->ctx, (uint32_t)cli->options.seed);
    }
    return TP_OK;
}

tp_status tp_session_open(tp_cli *cli, tp_session *session) {
    memset(session, 0, sizeof *session);
    session->spec = cli->options.adapter;
    session->loss = (tp_loss_kind)cli->options.loss;
    if (cli->options.load != NULL) {
        TP_TRY(tp_file_read(&cli->diag, cli->options.load, MODEL_LIMIT,
                            &session->blob));
        if (session->spec.n == 0) {
            TP_TRY(read_note(cli, session));
        }
    }
    TP_TRY(compile(cli, session));
    session->in = tp_port_in(session->plan.graph);
    session->out = tp_port_out(session->plan.graph);
    session->classes = classes_of(session);
    TP_TRY(check_mse(cli, session));
    tp_interpreter_init(&session->interpreter, &session->plan);
    if (tp_interpreter_open(&cli->arena, &session->interpreter,
                            &session->ctx) != TP_OK) {
        return tp_no_memory(&cli->diag);
    }
    return start_adapter(cli, session);
}
