/* tinypeft: the command line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "tinypeft/version.h"

static const tp_command *const commands[] = {
    &tp_command_inspect, &tp_command_run,   &tp_command_compile,
    &tp_command_train,   &tp_command_eval,  &tp_command_plan,
    &tp_command_report,  &tp_command_prune, &tp_command_keygen,
    &tp_command_pack,    &tp_command_sign,  &tp_command_verify,
    &tp_command_unpack,  &tp_command_diff,  &tp_command_export};

#define N_COMMANDS ((int)(sizeof commands / sizeof commands[0]))

/* Commands that do not take --adapter. */
#define NO_ADAPTERS                                                            \
    ((unsigned)TP_CMD_INSPECT | (unsigned)TP_CMD_KEYGEN |                      \
     (unsigned)TP_CMD_SIGN | (unsigned)TP_CMD_VERIFY |                         \
     (unsigned)TP_CMD_UNPACK)

static void print_adapter_kinds(void) {
    printf("\nAdapter kinds, for --adapter SLOTS=KIND[:key=value,...]; SLOTS "
           "is the name of an\noperator or a pattern such as 'conv*' ("
           "'tinypeft inspect MODEL' lists them):\n");
    for (int i = 0; i < TP_N_ADAPTER_KINDS; i++) {
        const tp_adapter_kind *kind = tp_adapter_kinds[i];
        printf("  %-16s%s\n", kind->name, kind->summary);
    }
}

static void print_help(void) {
    printf("tinypeft %s: fine-tunes INT8 models on microcontrollers\n\n"
           "usage: tinypeft COMMAND FILE [OPTIONS]\n\n",
           TP_VERSION);
    for (int i = 0; i < N_COMMANDS; i++) {
        printf("  %-16s%s\n", commands[i]->name, commands[i]->summary);
    }
    printf("  %-16s%s\n  %-16s%s\n", "COMMAND --help",
           "the options of a command, with examples", "--version",
           "the version");
    print_adapter_kinds();
    printf("\nExit codes:\n"
           "  0  done\n"
           "  1  a model, a file or a number is wrong, or --expect differs;\n"
           "     no output file is written\n"
           "  2  the command line is wrong\n"
           "  3  train: worse on the --holdout samples; no adapter is written\n"
           "\nExamples:\n"
           "  tinypeft inspect kws.tflite\n"
           "  tinypeft train kws.tflite --adapter 'conv*=bitfit' --x x.bin "
           "--y y.bin \\\n    -o my.tpa\n"
           "  tinypeft compile kws.tflite --adapter 'conv*=bitfit' --target "
           "cortex-m4 -o gen\n");
}

static void print_command_help(const tp_command *command) {
    const tp_args args = tp_options_of(command->bit);
    printf("%s\n\nusage: tinypeft %s %s\n\n", command->summary, command->name,
           command->usage);
    tp_args_help(&args, stdout);
    if (command->notes[0] != '\0') {
        printf("\n%s", command->notes);
    }
    if ((command->bit & NO_ADAPTERS) == 0) {
        print_adapter_kinds();
    }
    printf("\nExamples:\n%s", command->examples);
}

static void print_messages(const tp_diag *diag) {
    for (int i = 0; i < diag->count; i++) {
        (void)fprintf(stderr, "%s%s\n",
                      diag->message[i].severity == TP_NOTE ? "note: " : "",
                      diag->message[i].text);
    }
    if (diag->dropped > 0) {
        (void)fprintf(stderr, "%d more messages\n", diag->dropped);
    }
}

static tp_exit unknown_command(const char *name) {
    const char *best = commands[0]->name;
    for (int i = 1; i < N_COMMANDS; i++) {
        if (tp_args_distance(name, commands[i]->name) <
            tp_args_distance(name, best)) {
            best = commands[i]->name;
        }
    }
    (void)fprintf(stderr,
                  "unknown command '%s'; nearest: %s\n"
                  "see 'tinypeft --help'\n",
                  name, best);
    return TP_EXIT_USAGE;
}

static tp_exit run_command(const tp_command *command, int argc, char **argv) {
    tp_cli cli = {.options = tp_options_default()};
    cli.diag.arena = &cli.arena;
    const tp_args args = tp_options_of(command->bit);
    tp_exit code = TP_EXIT_USAGE;
    if (tp_args_parse(&args, argc, argv, &cli.options, &cli.diag) == TP_OK) {
        if (cli.options.help) {
            print_command_help(command);
            code = TP_EXIT_OK;
        } else {
            code = command->run(&cli);
        }
    }
    print_messages(&cli.diag);
    if (code == TP_EXIT_FAILED && cli.diag.errors > 0 &&
        cli.diag.status == TP_ERR_ARGUMENT) {
        code = TP_EXIT_USAGE;
    }
    if (code == TP_EXIT_USAGE) {
        (void)fprintf(stderr, "see 'tinypeft %s --help'\n", command->name);
    }
    tp_arena_free(&cli.arena);
    return code;
}

static tp_exit dispatch(int argc, char **argv) {
    if (argc < 2) {
        (void)fprintf(stderr, "a command is missing\nsee 'tinypeft --help'\n");
        return TP_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        print_help();
        return TP_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        printf("tinypeft %s\n", TP_VERSION);
        return TP_EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(name, commands[i]->name) == 0) {
            return run_command(commands[i], argc - 2, argv + 2);
        }
    }
    return unknown_command(name);
}

int main(int argc, char **argv) {
    tp_json_start();
    tp_exit code = dispatch(argc, argv);
    /* A full disk behind a redirection must not look like success. */
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        (void)fprintf(stderr, "standard output: %s\n", strerror(errno));
        code = code == TP_EXIT_OK ? TP_EXIT_FAILED : code;
    }
    return (int)code;
}
