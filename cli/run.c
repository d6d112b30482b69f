/* tinypeft run: a model's answers, byte for byte. */
#include <string.h>

#include "cli/npy.h"
#include "cli/predict.h"
#include "cli/session.h"

#define EXPECT_LIMIT ((size_t)1 << 31)

typedef struct difference {
    size_t bytes; /* that differ */
    size_t first; /* the first of them */
} difference;

static difference compare(const tp_bytes *a, const tp_bytes *b) {
    difference d = {0, 0};
    for (size_t i = 0; i < a->n; i++) {
        if (a->data[i] != b->data[i]) {
            d.first = d.bytes == 0 ? i : d.first;
            d.bytes++;
        }
    }
    return d;
}

/* Raw bytes, or the elements of a .npy. */
static tp_status read_expected(tp_cli *cli, const tp_bytes *y, size_t sample,
                               tp_bytes *out) {
    const char *path = cli->options.expect;
    TP_TRY(tp_file_read(&cli->diag, path, EXPECT_LIMIT, out));
    if (tp_npy_is(out->data, out->n)) {
        tp_npy array;
        TP_TRY(tp_npy_read(&cli->diag, path, out->data, out->n, &array));
        const size_t n = (size_t)(out->data + out->n - array.data);
        memmove(out->data, array.data, n);
        out->n = n;
    }
    if (out->n == y->n) {
        return TP_OK;
    }
    return tp_error(&cli->diag, TP_ERR_MALFORMED,
                    "%s: %zu bytes; the result has %zu: %zu samples of %zu "
                    "bytes",
                    path, out->n, y->n, y->n / sample, sample);
}

/* `expected` is NULL where nothing was. */
static void report(const tp_cli *cli, size_t n, size_t sample,
                   const tp_bytes *y, const tp_bytes *expected) {
    const difference d =
        expected != NULL ? compare(y, expected) : (difference){0, 0};
    if (cli->options.json) {
        cJSON *json = cJSON_CreateObject();
        (void)cJSON_AddNumberToObject(json, "samples", (double)n);
        (void)cJSON_AddNumberToObject(json, "bytes", (double)y->n);
        if (expected != NULL) {
            (void)cJSON_AddNumberToObject(json, "differ", (double)d.bytes);
        }
        tp_json_print(json);
        return;
    }
    printf("%zu %s", n, tp_text_plural(n, "sample", "samples"));
    if (expected != NULL) {
        printf(", %zu bytes differ", d.bytes);
    }
    printf("\n");
    if (expected != NULL && d.bytes > 0) {
        printf("first: sample %zu, byte %zu: %d, expected %d\n",
               d.first / sample, d.first % sample, y->data[d.first],
               expected->data[d.first]);
    }
}

static tp_status infer(tp_cli *cli, tp_session *session, tp_samples *x,
                       tp_bytes *bytes) {
    tp_workers workers;
    tp_progress progress;
    TP_TRY(tp_session_open(cli, session));
    TP_TRY(tp_samples_read(&cli->diag, &session->in, cli->options.x, x));
    TP_TRY(tp_workers_open(&cli->diag, &session->interpreter,
                           (int)cli->options.threads, &workers));
    int8_t *y = tp_arena_alloc(&cli->arena, x->n, session->out.count);
    if (y == NULL) {
        return tp_no_memory(&cli->diag);
    }
    tp_progress_start(&progress, "running", cli->options.progress);
    tp_workers_infer(&workers, session->ctx.adapter, x, y, &progress);
    tp_progress_end(&progress);
    return tp_results_bytes(&cli->diag, &session->out, y, x->n, bytes);
}

static tp_status run_all(tp_cli *cli, bool *same) {
    tp_session session;
    tp_samples x;
    tp_bytes y;
    tp_bytes expected = {NULL, 0};
    TP_TRY(infer(cli, &session, &x, &y));
    const size_t sample = y.n / x.n;
    const bool compared = cli->options.expect != NULL;
    if (compared) {
        TP_TRY(read_expected(cli, &y, sample, &expected));
        *same = compare(&y, &expected).bytes == 0;
    }
    if (cli->options.output != NULL) {
        const tp_out_file file = {cli->options.output, y.data, y.n};
        TP_TRY(tp_files_write(&cli->diag, &file, 1));
    }
    report(cli, x.n, sample, &y, compared ? &expected : NULL);
    return TP_OK;
}

static tp_exit run(tp_cli *cli) {
    bool same = true;
    return run_all(cli, &same) == TP_OK && same ? TP_EXIT_OK : TP_EXIT_FAILED;
}

const tp_command tp_command_run = {
    .name = "run",
    .bit = TP_CMD_RUN,
    .summary = "infers samples with the integers that a device would use",
    .usage = "MODEL --input X [-o Y] [--expect Z] [OPTIONS]",
    .notes = "X, Y and Z hold any number of samples in the type of the file's "
             "own interface:\nint8, uint8 or float32 ('tinypeft inspect MODEL' "
             "shows it).\n",
    .examples = "  tinypeft run kws.tflite --input inputs.bin --expect "
                "outputs.bin\n"
                "  tinypeft run kws.tflite --load my.tpa --input x.npy -o "
                "y.bin\n",
    .run = run};
