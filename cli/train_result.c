/* What a training run leaves: the note, the history, the curve, and what is
 * printed. */
#include <math.h>
#include <string.h>

#include "cli/trainer.h"
#include "tinypeft/adapter.h"

static cJSON *training_json(const tp_trainer *t) {
    const tp_options *o = &t->cli->options;
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(json, "samples", (double)(t->n - t->old));
    (void)cJSON_AddNumberToObject(json, "held_back", (double)t->held);
    (void)cJSON_AddNumberToObject(json, "replayed", (double)t->old);
    (void)cJSON_AddNumberToObject(json, "epochs", t->epochs);
    (void)cJSON_AddNumberToObject(json, "updates", t->config.updates);
    (void)cJSON_AddNumberToObject(json, "batch", t->config.batch);
    tp_json_add_float(json, "lr", t->config.lr_q15 / 32768.0);
    tp_json_add_float(json, "momentum", t->config.momentum_q15 / 32768.0);
    tp_json_add_float(json, "clip", t->config.clip_q12 / 4096.0);
    (void)cJSON_AddNumberToObject(json, "seed", t->config.seed);
    if (o->load != NULL) {
        (void)cJSON_AddStringToObject(json, "started_from",
                                      tp_file_name(o->load));
    }
    if (t->method.kind != NULL) {
        cJSON *method = cJSON_AddObjectToObject(json, "method");
        (void)cJSON_AddStringToObject(method, "kind", t->method.kind);
        (void)cJSON_AddNumberToObject(method, "shots", (double)t->method.shots);
        (void)cJSON_AddStringToObject(method, "why", t->method.why);
    }
    return json;
}

static cJSON *result_json(const tp_trainer *t, bool worse) {
    cJSON *json = tp_note_make(t->cli, &t->session);
    (void)cJSON_AddItemToObject(json, "training", training_json(t));
    cJSON *result = cJSON_AddObjectToObject(json, "result");
    tp_json_add_float(result, "loss", t->loss);
    (void)cJSON_AddNumberToObject(result, "undone", t->undone);
    (void)cJSON_AddItemToObject(result, "trained",
                                tp_score_json(&t->session, &t->trained));
    if (t->held > 0) {
        (void)cJSON_AddItemToObject(result, "held_back_before",
                                    tp_score_json(&t->session, &t->before));
        (void)cJSON_AddItemToObject(result, "held_back",
                                    tp_score_json(&t->session, &t->after));
        (void)cJSON_AddBoolToObject(result, "worse", worse);
    }
    if (t->replay.n > 0) {
        (void)cJSON_AddItemToObject(result, "old_before",
                                    tp_score_json(&t->session, &t->old_before));
        (void)cJSON_AddItemToObject(result, "old",
                                    tp_score_json(&t->session, &t->old_after));
    }
    return json;
}

static void print_method(const tp_trainer *t) {
    const size_t shots = t->method.shots;
    if (t->method.kind == NULL) {
        return;
    }
    printf("method %s, for %zu %s of %s: %s\n", t->method.kind, shots,
           tp_text_plural(shots, "sample", "samples"),
           t->session.classes > 0 ? "the rarest class" : "the input",
           t->method.why);
    for (int i = 0; i < t->session.spec.n; i++) {
        printf("  --adapter %s\n",
               tp_text_quoted(&t->cli->arena, t->session.spec.item[i]));
    }
}

static void print_scores(tp_trainer *t) {
    tp_arena *arena = &t->cli->arena;
    printf("loss %.4f, %s\n", t->loss,
           tp_score_text(arena, &t->session, &t->trained));
    if (t->held > 0) {
        printf("held back: %s; before: %s\n",
               tp_score_text(arena, &t->session, &t->after),
               tp_score_text(arena, &t->session, &t->before));
    }
    if (t->replay.n > 0) {
        printf("old samples: %s; before: %s\n",
               tp_score_text(arena, &t->session, &t->old_after),
               tp_score_text(arena, &t->session, &t->old_before));
    }
}

void tp_train_print(tp_trainer *t, bool worse) {
    const tp_options *o = &t->cli->options;
    tp_arena *arena = &t->cli->arena;
    if (o->json) {
        tp_json_print(result_json(t, worse));
        return;
    }
    print_method(t);
    printf("%zu samples", t->n - t->old);
    if (t->old > 0) {
        printf(" and %zu old ones of %zu", t->old, t->replay.n);
    }
    printf(", %u %s, %u updates at batch %d\n", (unsigned)t->epochs,
           tp_text_plural(t->epochs, "epoch", "epochs"),
           (unsigned)t->config.updates, t->config.batch);
    print_scores(t);
    if (t->undone > 0) {
        printf("%u %s undone: the loss had left its range\n",
               (unsigned)t->undone,
               tp_text_plural(t->undone, "update was", "updates were"));
    }
    if (!worse) {
        printf("wrote %s (%s bytes) and %s.json\n", o->output,
               tp_text_grouped(arena, tp_blob_bytes(t->session.ctx.model)),
               o->output);
    }
}

/* "update,loss,accuracy" (or mse); the last column only where a score was
 * taken. */
static tp_status history_csv(tp_trainer *t, tp_out_file *file) {
    const size_t line = 64;
    char *text = tp_arena_alloc(&t->cli->arena, t->rows + 1, line);
    if (text == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    const char *last = t->session.classes > 0 ? "accuracy" : "mse";
    size_t n = (size_t)snprintf(text, line, "update,loss,%s\n", last);
    for (size_t i = 0; i < t->rows; i++) {
        const tp_history *r = &t->history[i];
        char scored[24] = "";
        if (r->scored) {
            (void)snprintf(scored, sizeof scored, "%.6g", r->score);
        }
        n += (size_t)snprintf(text + n, line, "%u,%.6f,%s\n",
                              (unsigned)r->update, ldexp(r->loss, -16), scored);
    }
    *file = (tp_out_file){t->cli->options.history, text, n};
    return TP_OK;
}

static tp_status curve_svg(tp_trainer *t, tp_out_file *file) {
    const char *text = tp_train_curve(t);
    if (text == NULL) {
        return tp_no_memory(&t->cli->diag);
    }
    *file = (tp_out_file){t->cli->options.curve, text, strlen(text)};
    return TP_OK;
}

/* The note first: the blob without its note would be the worse loss. */
static tp_status adapter_files(tp_trainer *t, tp_out_file file[2]) {
    tp_cli *cli = t->cli;
    const uint32_t bytes = tp_blob_bytes(t->session.ctx.model);
    uint8_t *blob = tp_arena_alloc(&cli->arena, bytes, 1);
    const char *note = tp_json_text(&cli->arena, result_json(t, false));
    const char *path = tp_note_path(&cli->arena, cli->options.output);
    if (blob == NULL || note == NULL || path == NULL) {
        return tp_no_memory(&cli->diag);
    }
    TP_TRY(tp_blob_write(&t->session.ctx, blob, bytes));
    file[0] = (tp_out_file){path, note, strlen(note)};
    file[1] = (tp_out_file){cli->options.output, blob, bytes};
    return TP_OK;
}

tp_status tp_train_write(tp_trainer *t, bool worse) {
    tp_cli *cli = t->cli;
    tp_out_file file[4];
    int n = 0;
    if (cli->options.history != NULL) {
        TP_TRY(history_csv(t, &file[n++]));
    }
    if (cli->options.curve != NULL) {
        TP_TRY(curve_svg(t, &file[n++]));
    }
    if (!worse) {
        TP_TRY(adapter_files(t, &file[n]));
        n += 2;
    }
    return n > 0 ? tp_files_write(&cli->diag, file, n) : TP_OK;
}
