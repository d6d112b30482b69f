/* Tables A1 and A2: the keyword spotter, adapted to spoken digits that it never
 * learned to tell apart, from k recordings a digit: of one speaker (A1), of
 * all five together (A2). Tested on other recordings of the same speakers,
 * twenty a digit. Chance is 10. */
#include "tests/accuracy/speech.h"

#include <stdlib.h>

static const char *const speakers[TP_SPEAKERS] = {
    "george", "jackson", "nicolas", "theo", "yweweler"};

#define HEAD "fc11=head:classes=10"
#define POINTWISE "conv[2468]"

/* A row an adapter. reference: means over six speakers, simulated in float32
 * without label smoothing; here five speakers, integers only. */
static const tp_acc_method a1[] = {
    {.name = "head",
     .spec = {HEAD},
     .demand = {89, 92.5, 94},
     .reference = {90.3, 93.5, 94.8},
     .brief = true},
    {.name = "bitfit",
     .spec = {HEAD, "*=bitfit"},
     .demand = {94, 96.3, 97.3},
     .reference = {95.2, 97.3, 98.3},
     .brief = true},
    {.name = "skip",
     .spec = {HEAD, "*=skip"},
     .demand = {0, 95.5, 0},
     .reference = {93.2, 96.4, 97.5}},
    {.name = "scale", .spec = {HEAD, "*=scale"}, .reference = {0, 96.5, 0}},
    {.name = "affine",
     .spec = {HEAD, "*=scale", "*=bitfit"},
     .demand = {0, 96.5, 0},
     .reference = {0, 97.75, 0}},
    {.name = "lora r4",
     .spec = {HEAD, POINTWISE "=lora:rank=4"},
     .demand = {94.5, 97, 97.8},
     .reference = {95.2, 98.4, 98.4},
     .brief = true},
    {.name = "lora-fa r4",
     .spec = {HEAD, POINTWISE "=lora-fa:rank=4"},
     .demand = {93, 97, 97},
     .reference = {0, 98.5, 0},
     .brief = true},
    {.name = "lora-fa r8",
     .spec = {HEAD, POINTWISE "=lora-fa:rank=8"},
     .demand = {0, 97.5, 0},
     .reference = {0, 98.8, 0}},
    {.name = "lora r4 accumulate",
     .spec = {HEAD, POINTWISE "=lora:rank=4"},
     .recipe = {.state = TP_STATE_ACCUMULATE, .lr = 1},
     .demand = {0, 97, 0},
     .reference = {0, 98.3, 0}},
    {.name = "lora r4 online",
     .spec = {HEAD, POINTWISE "=lora:rank=4"},
     .recipe = {.state = TP_STATE_ONLINE, .lr = 0.0625},
     .reference = {95.2, 97.4, 0}},
    {.name = "bitfit online",
     .spec = {HEAD, "*=bitfit"},
     .recipe = {.state = TP_STATE_ONLINE},
     .reference = {92.2, 96.1, 0}},
    {.name = "skip online",
     .spec = {HEAD, "*=skip"},
     .recipe = {.state = TP_STATE_ONLINE},
     .reference = {91.1, 95.0, 97.5}},
    {.name = "lora-fa r4 online",
     .spec = {HEAD, POINTWISE "=lora-fa:rank=4"},
     .recipe = {.state = TP_STATE_ONLINE},
     .demand = {93, 96.5, 0},
     .reference = {94.6, 97.5, 98.3}},
    {.name = "lora r4 int4",
     .spec = {HEAD, POINTWISE "=lora:rank=4,bits=4"},
     .demand = {0, 97, 0},
     .reference = {0, 98.1, 0}},
    {.name = "lora r4 ternary",
     .spec = {HEAD, POINTWISE "=lora:rank=4,bits=2"},
     .demand = {0, 96.5, 0},
     .reference = {0, 98.2, 0}},
    {.name = "vera r16",
     .spec = {HEAD, POINTWISE "=vera:rank=16"},
     .recipe = {.lr = 0.25},
     .demand = {0, 96.5, 0},
     .reference = {0, 98.1, 0}},
    {.name = "hyper 32",
     .spec = {HEAD, POINTWISE "=hyper:code=32"},
     .reference = {0, 95.25, 0}},
    {.name = "sparse 2 %",
     .spec = {HEAD, POINTWISE "=sparse:density=2%,choice=gradient"},
     .demand = {0, 97, 0},
     .reference = {0, 98.2, 0}},
    {.name = "sparse 5 % random",
     .spec = {HEAD, POINTWISE "=sparse:density=5%"},
     .reference = {0, 98.4, 0}},
    {.name = "bottleneck r4",
     .spec = {HEAD, POINTWISE "=bottleneck:rank=4"},
     .demand = {0, 96.5, 0},
     .reference = {95.1, 97.6, 98.2}},
    {.name = "bottleneck r4 serial",
     .spec = {HEAD, POINTWISE "=bottleneck:rank=4,mode=serial"},
     .reference = {94.9, 98.3, 98.2}},
};

static const tp_acc_method a2[] = {
    {.name = "head", .spec = {HEAD}, .reference = {77.4, 83.8, 87.5}},
    {.name = "bitfit",
     .spec = {HEAD, "*=bitfit"},
     .reference = {83.2, 89.2, 93.2}},
    {.name = "lora r4",
     .spec = {HEAD, POINTWISE "=lora:rank=4"},
     .reference = {90.7, 94.3, 97.2}},
    {.name = "lora-fa r4",
     .spec = {HEAD, POINTWISE "=lora-fa:rank=4"},
     .reference = {0}},
};

static int clips(const tp_speech *speech, int speaker, int digit, int index,
                 tp_acc_sample *out) {
    const int at = (digit * TP_CLIPS + index) * TP_FEATURES;
    *out = (tp_acc_sample){speech->clip[speaker] + at, (uint8_t)digit};
    return 1;
}

int tp_speech_shots(const tp_speech *speech, int speaker, int split, int k,
                    tp_acc_sample *out) {
    int n = 0;
    for (int digit = 0; digit < TP_DIGITS; digit++) {
        for (int j = 0; j < k; j++) {
            const int index =
                TP_TESTS + (10 * split + j) % (TP_CLIPS - TP_TESTS);
            n += clips(speech, speaker, digit, index, out + n);
        }
    }
    return n;
}

int tp_speech_tests(const tp_speech *speech, int speaker, tp_acc_sample *out) {
    int n = 0;
    for (int digit = 0; digit < TP_DIGITS; digit++) {
        for (int i = 0; i < TP_TESTS; i++) {
            n += clips(speech, speaker, digit, i, out + n);
        }
    }
    return n;
}

static int shots_of_one(const void *data, int person, int split, int k,
                        tp_acc_sample *out) {
    return tp_speech_shots(data, person, split, k, out);
}

static int tests_of_one(const void *data, int person, tp_acc_sample *out) {
    return tp_speech_tests(data, person, out);
}

static int shots_of_all(const void *data, int person, int split, int k,
                        tp_acc_sample *out) {
    int n = 0;
    (void)person;
    for (int s = 0; s < TP_SPEAKERS; s++) {
        n += tp_speech_shots(data, s, split, k, out + n);
    }
    return n;
}

static int tests_of_all(const void *data, int person, tp_acc_sample *out) {
    int n = 0;
    (void)person;
    for (int s = 0; s < TP_SPEAKERS; s++) {
        n += tp_speech_tests(data, s, out + n);
    }
    return n;
}

static bool load(tp_speech *speech, const char *folder) {
    const size_t bytes = (size_t)TP_DIGITS * TP_CLIPS * TP_FEATURES;
    bool ok = true;
    for (int s = 0; s < TP_SPEAKERS; s++) {
        char name[64];
        size_t n = 0;
        (void)snprintf(name, sizeof name, "fsdd_mfcc/%s.bin", speakers[s]);
        speech->clip[s] = (int8_t *)tp_acc_read(folder, name, &n);
        ok = ok && speech->clip[s] != NULL && n == bytes;
    }
    speech->tflite =
        tp_acc_read(folder, "models/kws_ref_model.tflite", &speech->base.n);
    speech->base.tflite = speech->tflite;
    ok = ok && speech->tflite != NULL;
    if (!ok) {
        (void)fprintf(stderr,
                      "accuracy: %s has no fsdd_mfcc, or no keyword spotter\n",
                      folder);
    }
    return ok;
}

static bool tables(const tp_speech *speech, const tp_acc_options *options,
                   tp_acc_report *report) {
    tp_acc_grid grid = {.table = "A1",
                        .title = "A1: spoken digits of one speaker, percent",
                        .method = a1,
                        .n_methods = sizeof a1 / sizeof a1[0],
                        .k = {5, 10, 20},
                        .people = TP_SPEAKERS,
                        .most_samples = TP_SPEAKERS * TP_DIGITS * TP_CLIPS,
                        .base = &speech->base,
                        .n_bases = 1,
                        .data = speech,
                        .shots = shots_of_one,
                        .tests = tests_of_one};
    bool ok = true;
    if (tp_acc_listed(options->tables, grid.table)) {
        ok = tp_acc_grid_run(&grid, options, report);
    }
    grid.table = "A2";
    grid.title = "A2: spoken digits of five speakers together, percent";
    grid.method = a2;
    grid.n_methods = sizeof a2 / sizeof a2[0];
    grid.k[0] = 1;
    grid.k[1] = 5;
    grid.k[2] = 10;
    grid.people = 1;
    grid.shots = shots_of_all;
    grid.tests = tests_of_all;
    if (ok && tp_acc_listed(options->tables, grid.table)) {
        ok = tp_acc_grid_run(&grid, options, report);
    }
    return ok && tp_acc_personal(speech, options, report);
}

bool tp_acc_speech(const tp_acc_options *options, tp_acc_report *report) {
    tp_speech speech = {.base = {NULL, 0}};
    const bool needed = tp_acc_listed(options->tables, "A1") ||
                        tp_acc_listed(options->tables, "A2") ||
                        tp_acc_listed(options->tables, "B");
    const bool ok = !needed || (load(&speech, options->data) &&
                                tables(&speech, options, report));
    for (int s = 0; s < TP_SPEAKERS; s++) {
        free(speech.clip[s]);
    }
    free(speech.tflite);
    return ok;
}
