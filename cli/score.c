#include "cli/score.h"

/* The samples as targets, or target tensors from a file. */
static tp_status tensor_targets(tp_cli *cli, const tp_session *session,
                                const tp_samples *x, tp_targets *out) {
    tp_samples target;
    const char *path = cli->options.y;
    if (path == NULL && session->in.count != session->out.count) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--y FILE is missing: the output has %zu values, the "
                        "input %zu",
                        session->out.count, session->in.count);
    }
    if (path == NULL) {
        TP_TRY(tp_samples_requantise(&cli->diag, &session->in, &session->out, x,
                                     &target));
    } else {
        TP_TRY(tp_samples_read(&cli->diag, &session->out, path, &target));
    }
    if (target.n != x->n) {
        return tp_error(&cli->diag, TP_ERR_MALFORMED,
                        "%s: %zu targets for %zu samples", path, target.n,
                        x->n);
    }
    *out = (tp_targets){(uint8_t *)target.data, session->out.count};
    return TP_OK;
}

tp_status tp_targets_read(tp_cli *cli, const tp_session *session,
                          const tp_samples *x, tp_targets *out) {
    if (session->classes == 0) {
        return tensor_targets(cli, session, x, out);
    }
    if (cli->options.y == NULL) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--y FILE is missing: the labels");
    }
    out->bytes = 1;
    return tp_labels_read(&cli->diag, cli->options.y, x->n, session->classes,
                          &out->data);
}

tp_score tp_score_of(const tp_session *session, const int8_t *y,
                     const tp_targets *targets, size_t first, size_t n) {
    tp_score score = {.n = n};
    const size_t count = session->out.count;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *target = targets->data + (first + i) * targets->bytes;
        if (session->classes > 0) {
            score.correct += tp_argmax(&session->out, y + i * count) == *target;
        } else {
            score.square += tp_square_error(&session->out, y + i * count,
                                            (const int8_t *)target);
        }
    }
    const double scale = (double)tp_scale_of(session->out.tensor, 0);
    if (n > 0) {
        score.mse = scale * scale * (double)score.square / (double)(n * count);
    }
    return score;
}

static double percent(const tp_score *score) {
    return score->n > 0 ? 100.0 * (double)score->correct / (double)score->n : 0;
}

const char *tp_score_text(tp_arena *arena, const tp_session *session,
                          const tp_score *score) {
    const char *text =
        session->classes > 0
            ? tp_arena_printf(arena, "accuracy %.2f %% (%zu of %zu)",
                              percent(score), score->correct, score->n)
            : tp_arena_printf(arena, "mean squared error %.6g", score->mse);
    return text != NULL ? text : "?";
}

double tp_score_number(const tp_session *session, const tp_score *score) {
    return session->classes > 0 ? percent(score) : score->mse;
}

cJSON *tp_score_json(const tp_session *session, const tp_score *score) {
    cJSON *json = cJSON_CreateObject();
    (void)cJSON_AddNumberToObject(json, "samples", (double)score->n);
    if (session->classes > 0) {
        (void)cJSON_AddNumberToObject(json, "correct", (double)score->correct);
        tp_json_add_float(json, "accuracy", percent(score) / 100.0);
    } else {
        tp_json_add_float(json, "mse", score->mse);
    }
    return json;
}

bool tp_score_worse(const tp_session *session, const tp_score *now,
                    const tp_score *before) {
    return session->classes > 0 ? now->correct < before->correct
                                : now->square > before->square;
}
