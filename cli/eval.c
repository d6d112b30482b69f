/* tinypeft eval: how good is a model, or an adapter. */
#include "cli/score.h"
#include "cli/table.h"

#define TABLE_CLASSES 20 /* more would be no table for people */

typedef struct counts {
    size_t samples, correct, predicted;
} counts;

static void count(const tp_session *session, const int8_t *y,
                  const tp_targets *targets, size_t n, counts *of) {
    for (size_t i = 0; i < n; i++) {
        const size_t label = targets->data[i];
        const size_t best =
            tp_argmax(&session->out, y + i * session->out.count);
        of[label].samples++;
        of[best].predicted++;
        of[label].correct += best == label;
    }
}

static void print_table(tp_cli *cli, const counts *of, size_t classes) {
    tp_table table = {.arena = &cli->arena, .columns = 5, .align = "rrrrr"};
    static const char *const head[] = {"class", "samples", "correct",
                                       "predicted", "accuracy"};
    const char **row = tp_table_row(&table);
    for (int i = 0; row != NULL && i < table.columns; i++) {
        row[i] = head[i];
    }
    for (size_t i = 0; i < classes && row != NULL; i++) {
        row = tp_table_row(&table);
        if (row == NULL) {
            break;
        }
        row[0] = tp_table_text(&table, "%zu", i);
        row[1] = tp_table_text(&table, "%zu", of[i].samples);
        row[2] = tp_table_text(&table, "%zu", of[i].correct);
        row[3] = tp_table_text(&table, "%zu", of[i].predicted);
        row[4] = of[i].samples == 0
                     ? "-"
                     : tp_table_text(&table, "%.2f %%",
                                     100.0 * (double)of[i].correct /
                                         (double)of[i].samples);
    }
    tp_table_print(&table);
}

static void add_classes(cJSON *json, const counts *of, size_t classes) {
    cJSON *list = cJSON_AddArrayToObject(json, "classes");
    for (size_t i = 0; i < classes; i++) {
        cJSON *item = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(item, "samples", (double)of[i].samples);
        (void)cJSON_AddNumberToObject(item, "correct", (double)of[i].correct);
        (void)cJSON_AddNumberToObject(item, "predicted",
                                      (double)of[i].predicted);
        (void)cJSON_AddItemToArray(list, item);
    }
}

static tp_status report(tp_cli *cli, const tp_session *session, const int8_t *y,
                        const tp_targets *targets, size_t n) {
    const tp_score score = tp_score_of(session, y, targets, 0, n);
    const size_t most = session->classes + session->out.count;
    counts *of = tp_arena_alloc(&cli->arena, most, sizeof *of);
    if (of == NULL) {
        return tp_no_memory(&cli->diag);
    }
    if (session->classes > 0) {
        count(session, y, targets, n, of);
    }
    if (cli->options.json) {
        cJSON *json = tp_score_json(session, &score);
        if (session->classes > 0) {
            add_classes(json, of, session->classes);
        }
        tp_json_print(json);
        return TP_OK;
    }
    printf("%s\n", tp_score_text(&cli->arena, session, &score));
    if (session->classes > 0 && session->classes <= TABLE_CLASSES) {
        print_table(cli, of, session->classes);
    }
    return TP_OK;
}

static tp_status evaluate(tp_cli *cli) {
    tp_session session;
    tp_workers workers;
    tp_samples x;
    tp_targets targets;
    tp_progress progress;
    TP_TRY(tp_session_open(cli, &session));
    TP_TRY(tp_samples_read(&cli->diag, &session.in, cli->options.x, &x));
    TP_TRY(tp_targets_read(cli, &session, &x, &targets));
    TP_TRY(tp_workers_open(&cli->diag, &session.interpreter,
                           (int)cli->options.threads, &workers));
    int8_t *y = tp_arena_alloc(&cli->arena, x.n, session.out.count);
    if (y == NULL) {
        return tp_no_memory(&cli->diag);
    }
    tp_progress_start(&progress, "evaluating", cli->options.progress);
    tp_workers_infer(&workers, session.ctx.adapter, &x, y, &progress);
    tp_progress_end(&progress);
    return report(cli, &session, y, &targets, x.n);
}

static tp_exit run(tp_cli *cli) {
    return evaluate(cli) == TP_OK ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_eval = {
    .name = "eval",
    .bit = TP_CMD_EVAL,
    .summary = "says how good a model or an adapter is on labelled samples",
    .usage = "MODEL --x FILE --y FILE [--load ADAPTER] [OPTIONS]",
    .notes = "With --load and without --adapter, ADAPTER.json (written by "
             "train beside the\nadapter) says which adapters it holds. For an "
             "autoencoder --y may be left out:\nthe samples are the "
             "targets. A prediction is the first of the largest scores.\n",
    .examples = "  tinypeft eval kws.tflite --x inputs.bin --y labels.bin\n"
                "  tinypeft eval kws.tflite --load my.tpa --x x.npy --y y.npy "
                "--json\n",
    .run = run};
