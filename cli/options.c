#include "cli/cli.h"

#define INSPECT ((unsigned)TP_CMD_INSPECT)
#define RUN ((unsigned)TP_CMD_RUN)
#define COMPILE ((unsigned)TP_CMD_COMPILE)
#define TRAIN ((unsigned)TP_CMD_TRAIN)
#define EVAL ((unsigned)TP_CMD_EVAL)
#define REPORT ((unsigned)TP_CMD_REPORT)
#define PLAN ((unsigned)TP_CMD_PLAN)
#define PRUNE ((unsigned)TP_CMD_PRUNE)
#define ALL (INSPECT | RUN | COMPILE | TRAIN | EVAL | REPORT | PLAN | PRUNE)
#define AT(field) offsetof(tp_options, field)

const char *const tp_loss_names[] = {"auto", "ce", "mse"};

/* name, letter, type, commands, required, offset, value, lo, hi, help. The
 * ranges of the rate, the momentum and the clip are those of the fixed-point
 * fields of tp_train_config: 1/2^15, 1 - 1/2^15, 1/2^12, 65535/2^12. */
static const tp_opt table[] = {
    {"MODEL", 0, TP_OPT_OPERAND, ALL, ALL, AT(model), NULL, 0, 0,
     "the INT8 model, a .tflite file"},
    {"adapter", 0, TP_OPT_TEXTS, RUN | COMPILE | TRAIN | EVAL | REPORT, 0,
     AT(adapter), "SPEC", 0, 0, "SLOTS=KIND[:key=value,...]; may be repeated"},
    {"load", 0, TP_OPT_TEXT, RUN | TRAIN | EVAL, 0, AT(load), "ADAPTER", 0, 0,
     "start from this trained adapter"},
    {"load", 0, TP_OPT_TEXT, PRUNE, PRUNE, AT(load), "ADAPTER", 0, 0,
     "the trained adapter; ADAPTER.json beside it says which"},
    {"keep", 0, TP_OPT_TEXT, PRUNE, 0, AT(keep), "SHARE", 0, 0,
     "of the ranks of all slots, such as 50%"},
    {"bytes", 0, TP_OPT_INT, PRUNE, 0, AT(bytes), "N", 0, 16777216,
     "as many ranks as fit an adapter of N bytes"},
    {"output", 'o', TP_OPT_TEXT, PRUNE, PRUNE, AT(output), "ADAPTER", 0, 0,
     "write the pruned adapter here, and its .json"},
    {"input", 0, TP_OPT_TEXT, RUN, RUN, AT(x), "X", 0, 0,
     "samples: raw bytes as the model takes them, or .npy"},
    {"x", 0, TP_OPT_TEXT, TRAIN | EVAL, TRAIN | EVAL, AT(x), "FILE", 0, 0,
     "samples: raw bytes as the model takes them, or .npy"},
    {"y", 0, TP_OPT_TEXT, TRAIN | EVAL, 0, AT(y), "FILE", 0, 0,
     "labels: a byte each, or .npy (mse: target tensors)"},
    {"output", 'o', TP_OPT_TEXT, RUN, 0, AT(output), "Y", 0, 0,
     "write the results here, raw"},
    {"output", 'o', TP_OPT_TEXT, COMPILE, 0, AT(output), "DIR", 0, 0,
     "folder for NAME.h, NAME.c, NAME_weights.c"},
    {"output", 'o', TP_OPT_TEXT, TRAIN, TRAIN, AT(output), "ADAPTER", 0, 0,
     "write the adapter here, and ADAPTER.json beside it"},
    {"output", 'o', TP_OPT_TEXT, REPORT, 0, AT(output), "FILE.html", 0, 0,
     "write the page here"},
    {"ram", 0, TP_OPT_SIZE, COMPILE | TRAIN | REPORT | PLAN, 0, AT(ram), "SIZE",
     1, 4294967295.0, "bytes that arena, adapter and training may take"},
    {"samples", 0, TP_OPT_INT, COMPILE | TRAIN | REPORT | PLAN, 0, AT(samples),
     "N", 0, 65535, "kept in RAM too, as they are or as frozen features"},
    {"flash", 0, TP_OPT_SIZE, PLAN, 0, AT(flash), "SIZE", 1, 4294967295.0,
     "bytes that all constants may take"},
    {"delta", 0, TP_OPT_SIZE, PLAN, 0, AT(delta), "SIZE", 1, 4294967295.0,
     "bytes that the stored adapter may take"},
    {"update-cost", 0, TP_OPT_TEXT, PLAN, 0, AT(update_cost), "N", 0, 0,
     "instructions for a sample, or inferences: 3x"},
    {"state", 0, TP_OPT_CHOICE, COMPILE | TRAIN | REPORT, 0, AT(state),
     "auto|momentum|accumulate|online", 0, 0,
     "default auto: the first that fits"},
    {"svg", 0, TP_OPT_TEXT, PLAN, 0, AT(svg), "FILE.svg", 0, 0,
     "draw RAM against instructions"},
    {"target", 0, TP_OPT_TEXT, REPORT, 0, AT(core), "CORE", 0, 0,
     "for time and energy, default cortex-m4"},
    {"energy", 0, TP_OPT_TEXT, REPORT, 0, AT(energy), "KEY=VALUE,...", 0, 0,
     "other numbers than the table's, such as mhz=48"},
    {"updates", 0, TP_OPT_INT, REPORT, 0, AT(updates), "N", 1, 1000000,
     "of an adaptation, default 220"},
    {"shots", 0, TP_OPT_INT, REPORT | PLAN, 0, AT(shots), "N", 1, 65535,
     "samples of each class to learn from, default 10"},
    {"expect", 0, TP_OPT_TEXT, RUN, 0, AT(expect), "Z", 0, 0,
     "count bytes that differ from this; exit 1 if any"},
    {"target", 0, TP_OPT_CHOICE, COMPILE, 0, AT(target),
     "portable|cortex-m0|cortex-m0plus|cortex-m3|cortex-m4|cortex-m7|"
     "cortex-m33|cortex-m55|rv32imc",
     0, 0, "whose instructions to use; default portable"},
    {"region", 0, TP_OPT_TEXTS, COMPILE | REPORT | PLAN, 0, AT(region),
     "NAME=ADDR+SIZE[,rank=N]", 0, 0,
     "for the arena; rank 0, or the first, is fastest"},
    {"name", 0, TP_OPT_TEXT, COMPILE, 0, AT(name), "NAME", 0, 0,
     "of the model in C; default from the file name"},
    {"dump", 0, TP_OPT_TEXT, COMPILE, 0, AT(dump), "STAGE", 0, 0,
     "print a stage's text form, such as import or plan"},
    {"loss", 0, TP_OPT_CHOICE, COMPILE | TRAIN | EVAL | REPORT | PLAN, 0,
     AT(loss), "auto|ce|mse", 0, 0, "default auto: ce, for autoencoders mse"},
    {"epochs", 0, TP_OPT_INT, TRAIN, 0, AT(epochs), "N", 0, 10000,
     "passes; 0, the default: as many as make 220 updates"},
    {"lr", 0, TP_OPT_REAL, TRAIN, 0, AT(lr), "F", 0, 1,
     "learning rate; default 0: 0.125, without momentum 1"},
    {"momentum", 0, TP_OPT_REAL, TRAIN, 0, AT(momentum), "F", 0,
     32767.0 / 32768, "default 0.9"},
    {"batch", 0, TP_OPT_INT, TRAIN | REPORT, 0, AT(batch), "N", 1, 256,
     "samples an update, default 16"},
    {"clip", 0, TP_OPT_REAL, TRAIN, 0, AT(clip), "F", 1.0 / 4096,
     65535.0 / 4096, "largest norm of a gradient, default 1"},
    {"seed", 0, TP_OPT_INT, TRAIN, 0, AT(seed), "N", 0, 4294967295.0,
     "of weights, order and rounding, default 1"},
    {"holdout", 0, TP_OPT_INT, TRAIN, 0, AT(holdout), "N", 0, 65535,
     "hold N samples back; write if no worse on them"},
    {"history", 0, TP_OPT_TEXT, TRAIN, 0, AT(history), "FILE.csv", 0, 0,
     "write the loss of every update"},
    {"curve", 0, TP_OPT_TEXT, TRAIN, 0, AT(curve), "FILE.svg", 0, 0,
     "draw the loss and the held-back accuracy"},
    {"replay", 0, TP_OPT_TEXT, TRAIN, 0, AT(replay), "X,Y", 0, 0,
     "old samples and their labels, not to be forgotten"},
    {"replay-keep", 0, TP_OPT_INT, TRAIN, 0, AT(replay_keep), "N", 0, 65535,
     "train on N of them; default 0: as many as are new"},
    {"method", 0, TP_OPT_CHOICE, TRAIN, 0, AT(method),
     "none|auto|head|skip|bitfit|lora-fa", 0, 0,
     "choose the adapters, in place of --adapter"},
    {"classes", 0, TP_OPT_INT, TRAIN, 0, AT(classes), "N", 0, 256,
     "of --method's new head; default 0: no new head"},
    {"classes", 0, TP_OPT_INT, PLAN, 0, AT(classes), "N", 0, 256,
     "of a new head; default 0: as many as the base has"},
    {"threads", 0, TP_OPT_INT, RUN | TRAIN | EVAL, 0, AT(threads), "N", 1, 64,
     "for inference, default 2; the results are the same"},
    {"json", 0, TP_OPT_FLAG, INSPECT | RUN | TRAIN | EVAL | REPORT | PLAN, 0,
     AT(json), NULL, 0, 0, "print the result as JSON"},
    {"progress", 0, TP_OPT_FLAG, RUN | TRAIN | EVAL, 0, AT(progress), NULL, 0,
     0, "show progress even where stderr is no terminal"},
    {"help", 'h', TP_OPT_HELP, ALL, 0, AT(help), NULL, 0, 0, "this text"},
};

tp_options tp_options_default(void) {
    return (tp_options){.loss = TP_LOSS_AUTO,
                        .batch = 16,
                        .seed = 1,
                        .threads = 2,
                        .core = "cortex-m4",
                        .updates = 220,
                        .shots = 10,
                        .momentum = 0.9,
                        .clip = 1.0};
}

tp_args tp_options_of(tp_command_bit command) {
    return (tp_args){.opt = table,
                     .n_opts = (int)(sizeof table / sizeof table[0]),
                     .command = (unsigned)command};
}
