/* What all commands share: the options, how they fail, small texts. Commands
 * print their results; what went wrong they leave in `diag`, and main() prints
 * it. Memory comes from one arena that main() frees. */
#ifndef TP_CLI_CLI_H
#define TP_CLI_CLI_H

#include "cli/args.h"
#include "cli/files.h"
#include "compiler/compiler.h"

typedef enum tp_exit {
    TP_EXIT_OK = 0,
    TP_EXIT_FAILED = 1, /* a model, file or number is wrong; bytes differ */
    TP_EXIT_USAGE = 2,  /* the command line is wrong */
    TP_EXIT_WORSE = 3   /* train: worse on the held-back samples */
} tp_exit;

typedef enum tp_command_bit {
    TP_CMD_INSPECT = 1,
    TP_CMD_RUN = 2,
    TP_CMD_COMPILE = 4,
    TP_CMD_TRAIN = 8,
    TP_CMD_EVAL = 16,
    TP_CMD_REPORT = 32,
    TP_CMD_PLAN = 64,
    TP_CMD_PRUNE = 128,
    TP_CMD_KEYGEN = 256,
    TP_CMD_PACK = 512,
    TP_CMD_SIGN = 1024,
    TP_CMD_VERIFY = 2048,
    TP_CMD_UNPACK = 4096,
    TP_CMD_DIFF = 8192,
    TP_CMD_EXPORT = 16384
} tp_command_bit;

/* Every option of every command; the table is in options.c. */
typedef struct tp_options {
    const char *model;
    tp_texts adapter, region;
    const char *load;
    const char *x, *y;
    const char *output; /* file or folder */
    const char *keep;   /* prune: a share */
    int64_t bytes;      /* prune: at most, 0: any */
    const char *expect, *name, *dump, *history, *curve, *replay;
    int loss;            /* tp_loss_kind */
    int target;          /* index in tp_targets */
    int method;          /* 0: as --adapter says, 1: auto, else a kind */
    int64_t replay_keep; /* 0: as many as are new */
    int64_t classes;     /* of a new head; 0: none */
    int64_t epochs, batch, seed, holdout, threads;
    double lr, momentum, clip;
    int64_t ram;             /* bytes; 0: no limit */
    const char *core;        /* a name in tp_energy_targets */
    int64_t samples;         /* kept in RAM; 0: not counted */
    int64_t updates;         /* of an adaptation */
    int64_t shots;           /* samples of each class */
    const char *energy;      /* key=value,... */
    int state;               /* tp_state_kind; 0: chosen */
    int64_t flash, delta;    /* bytes; 0: no limit */
    const char *update_cost; /* instructions, or a multiple such as 3x */
    const char *svg;
    const char *file, *other; /* a key, a delta, or two of them */
    const char *key, *from;
    int algorithm, encoding;           /* as options.c lists them */
    int64_t height;                    /* of an LMS tree */
    int64_t seq, adapter_id, class_id; /* of a delta */
    bool merged, partial;
    bool standalone; /* compile: with the device library */
    bool json, progress, help;
} tp_options;

typedef struct tp_cli {
    tp_arena arena;
    tp_diag diag;
    tp_options options;
} tp_cli;

typedef struct tp_command {
    const char *name;
    tp_command_bit bit;
    const char *summary;
    const char *usage;
    const char *notes;    /* paragraphs for --help, "" or ending in newline */
    const char *examples; /* a line each */
    tp_exit (*run)(tp_cli *cli);
} tp_command;

extern const tp_command tp_command_inspect, tp_command_run, tp_command_compile,
    tp_command_train, tp_command_eval, tp_command_report, tp_command_plan,
    tp_command_prune, tp_command_keygen, tp_command_pack, tp_command_sign,
    tp_command_verify, tp_command_unpack, tp_command_diff, tp_command_export;

/* --- options.c ------------------------------------------------------------ */

extern const char *const tp_loss_names[]; /* by tp_loss_kind */

tp_options tp_options_default(void);
tp_args tp_options_of(tp_command_bit command);

/* --- text.c --------------------------------------------------------------- */

/* "1x49x10x1"; of tensor `t`. */
const char *tp_text_shape(tp_arena *arena, const tp_tensor *t);
/* 1234567 as "1,234,567". */
const char *tp_text_grouped(tp_arena *arena, uint64_t value);
/* The hash of a file's bytes: 64 hexadecimal digits. */
const char *tp_text_sha256(tp_arena *arena, const tp_bytes *bytes);
/* A word for the shell: in quotes where it needs them. */
const char *tp_text_quoted(tp_arena *arena, const char *word);
/* "kws_ref_model" of "models/kws_ref_model.tflite". */
const char *tp_text_stem(tp_arena *arena, const char *path);
/* "sample" or "samples" */
const char *tp_text_plural(size_t n, const char *one, const char *many);

#endif
