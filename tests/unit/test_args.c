/* Option parsing: each type of value, each thing that can be wrong, and the
 * table of the real program. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

enum { ONE = 1, OTHER = 2 };

typedef struct values {
    const char *model;
    const char *text;
    tp_texts texts;
    int64_t number, size;
    double real;
    int choice;
    bool flag, help;
} values;

static const tp_opt table[] = {
    {"MODEL", 0, TP_OPT_OPERAND, ONE | OTHER, ONE, offsetof(values, model),
     NULL, 0, 0, "a model"},
    {"output", 'o', TP_OPT_TEXT, ONE, 0, offsetof(values, text), "FILE", 0, 0,
     "a text"},
    {"adapter", 0, TP_OPT_TEXTS, ONE, 0, offsetof(values, texts), "SPEC", 0, 0,
     "texts"},
    {"epochs", 0, TP_OPT_INT, ONE, 0, offsetof(values, number), "N", -5, 300,
     "a number"},
    {"lr", 0, TP_OPT_REAL, ONE, 0, offsetof(values, real), "F", 0.25, 1,
     "a real"},
    {"ram", 0, TP_OPT_SIZE, ONE, 0, offsetof(values, size), "SIZE", 1, 1 << 20,
     "bytes"},
    {"loss", 0, TP_OPT_CHOICE, ONE, 0, offsetof(values, choice), "auto|ce|mse",
     0, 0, "a choice"},
    {"json", 0, TP_OPT_FLAG, ONE, 0, offsetof(values, flag), NULL, 0, 0,
     "a flag"},
    {"help", 'h', TP_OPT_HELP, ONE | OTHER, 0, offsetof(values, help), NULL, 0,
     0, "help"},
};

#define MOST_WORDS 80

/* Splits at blanks ("_" stands for an empty argument) and parses. */
static tp_status parse(const char *line, unsigned command, values *to,
                       char *message, size_t capacity) {
    tp_arena arena = {NULL};
    tp_diag diag = {.arena = &arena};
    char *argv[MOST_WORDS];
    static char text[2048]; /* the values point into it */
    int argc = 0;
    assert_true(strlen(line) < sizeof text);
    strcpy(text, line);
    for (char *word = strtok(text, " "); word != NULL;
         word = strtok(NULL, " ")) {
        assert_true(argc < MOST_WORDS);
        if (strcmp(word, "_") == 0) {
            word[0] = '\0';
        }
        argv[argc++] = word;
    }
    const tp_args args = {table, (int)(sizeof table / sizeof table[0]),
                          command};
    memset(to, 0, sizeof *to);
    const tp_status status = tp_args_parse(&args, argc, argv, to, &diag);
    message[0] = '\0';
    if (diag.count > 0) {
        strncpy(message, diag.message[0].text, capacity - 1);
        message[capacity - 1] = '\0';
    }
    assert_int_equal(diag.errors, status == TP_OK ? 0 : 1);
    tp_arena_free(&arena);
    return status;
}

static void expect_error(const char *line, const char *text) {
    values v;
    char message[512];
    assert_int_equal(parse(line, ONE, &v, message, sizeof message),
                     TP_ERR_ARGUMENT);
    if (strstr(message, text) == NULL) {
        fail_msg("'%s' said '%s', not '%s'", line, message, text);
    }
}

static values expect_ok(const char *line) {
    values v;
    char message[512];
    if (parse(line, ONE, &v, message, sizeof message) != TP_OK) {
        fail_msg("'%s' said '%s'", line, message);
    }
    return v;
}

static void takes_every_type(void **state) {
    (void)state;
    const values v =
        expect_ok("--adapter a m.tflite --output=out --adapter=b=c "
                  "--epochs -5 --lr 0.5 --loss mse --json");
    assert_string_equal(v.model, "m.tflite");
    assert_string_equal(v.text, "out");
    assert_int_equal(v.texts.n, 2);
    assert_string_equal(v.texts.item[0], "a");
    assert_string_equal(v.texts.item[1], "b=c");
    assert_int_equal(v.number, -5);
    assert_true(v.real == 0.5);
    assert_int_equal(v.choice, 2);
    assert_true(v.flag);
    assert_false(v.help);
}

static void takes_letters_and_dashes(void **state) {
    (void)state;
    const values v = expect_ok("-o x -- --json");
    assert_string_equal(v.text, "x");
    assert_string_equal(v.model, "--json");
    assert_false(v.flag);
    assert_string_equal(expect_ok("-").model, "-");
}

static void bounds_are_inclusive(void **state) {
    (void)state;
    assert_int_equal(expect_ok("m --epochs 300").number, 300);
    expect_error("m --epochs 301", "between -5 and 300");
    expect_error("m --epochs -6", "between -5 and 300");
    expect_error("m --epochs 99999999999999999999", "between -5 and 300");
    assert_true(expect_ok("m --lr 0.25").real == 0.25);
    assert_true(expect_ok("m --lr 1").real == 1.0);
    expect_error("m --lr 1.01", "between 0.25 and 1");
    expect_error("m --lr 0.2", "between 0.25 and 1");
}

static void takes_sizes(void **state) {
    (void)state;
    assert_int_equal(expect_ok("m --ram 22820").size, 22820);
    assert_int_equal(expect_ok("m --ram 24K").size, 24 * 1024);
    assert_int_equal(expect_ok("m --ram=3k").size, 3072);
    assert_int_equal(expect_ok("m --ram 1M").size, 1 << 20);
    expect_error("m --ram 0", "between 1 and 1048576");
    expect_error("m --ram 2M", "between 1 and 1048576");
    expect_error("m --ram -1K", "between 1 and 1048576");
    expect_error("m --ram 99999999999999999999", "between 1 and 1048576");
    expect_error("m --ram 9999999999999999M", "between 1 and 1048576");
    expect_error("m --ram K", "no number of bytes");
    expect_error("m --ram 1.5K", "no number of bytes");
    expect_error("m --ram 24KB", "no number of bytes");
    expect_error("m --ram 24 K", "one argument too many");
}

static void refuses_wrong_values(void **state) {
    (void)state;
    expect_error("m --epochs ten", "not a whole number");
    expect_error("m --epochs 1.5", "not a whole number");
    expect_error("m --epochs=", "not a whole number");
    expect_error("m --lr nan", "not a number");
    expect_error("m --lr inf", "not a number");
    expect_error("m --lr 0.5x", "not a number");
    expect_error("m --loss mae", "must be one of auto|ce|mse");
    expect_error("m --loss m", "must be one of");
    expect_error("m --loss=", "must be one of");
    expect_error("m --output _", "is empty");
    expect_error("m --json=yes", "takes no value");
}

static void refuses_wrong_shapes(void **state) {
    (void)state;
    expect_error("m --output", "--output needs a value: FILE");
    expect_error("m --output --json", "--output needs a value");
    expect_error("m -o", "--output needs a value");
    expect_error("m --json --json", "given twice");
    expect_error("m --epochs 1 --epochs 1", "given twice");
    expect_error("m n", "'n': one argument too many");
    expect_error("--json", "MODEL is missing");
    expect_error("", "MODEL is missing");
}

static void names_the_nearest(void **state) {
    (void)state;
    expect_error("m --epoch 3", "unknown option --epoch; nearest: --epochs");
    expect_error("m --ouput=3", "unknown option --ouput; nearest: --output");
    expect_error("m --jsn", "nearest: --json");
    expect_error("m -x", "unknown option -x; nearest: --");
    expect_error("m -ox", "unknown option -ox");
}

static void limits_repetition(void **state) {
    (void)state;
    char line[1024] = "m";
    for (int i = 0; i < TP_TEXTS_MAX; i++) {
        strcat(line, " --adapter=a");
    }
    assert_int_equal(expect_ok(line).texts.n, TP_TEXTS_MAX);
    strcat(line, " --adapter=a");
    expect_error(line, "more than 32 times");
}

static void help_comes_before_errors(void **state) {
    (void)state;
    assert_true(expect_ok("--help --nonsense").help);
    assert_true(expect_ok("-h").help);
    expect_error("--nonsense --help", "unknown option");
}

static void commands_differ(void **state) {
    values v;
    char message[512];
    (void)state;
    assert_int_equal(parse("", OTHER, &v, message, sizeof message), TP_OK);
    assert_int_equal(parse("--json", OTHER, &v, message, sizeof message),
                     TP_ERR_ARGUMENT);
    assert_non_null(strstr(message, "nearest: --help"));
}

static void measures_distance(void **state) {
    (void)state;
    assert_int_equal(tp_args_distance("", ""), 0);
    assert_int_equal(tp_args_distance("", "abc"), 3);
    assert_int_equal(tp_args_distance("abc", ""), 3);
    assert_int_equal(tp_args_distance("kitten", "sitting"), 3);
    assert_int_equal(tp_args_distance("epoch", "epochs"), 1);
    assert_int_equal(tp_args_distance("flaw", "lawn"), 2);
    char longer[100];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(tp_args_distance(longer, longer), 0);
    assert_int_equal(tp_args_distance(longer, ""), 31);
}

/* No command has two options of one name or letter, every range holds its
 * default, and every required option is one the command takes. */
static void real_table_is_sound(void **state) {
    (void)state;
    const unsigned commands[] = {TP_CMD_INSPECT, TP_CMD_RUN, TP_CMD_COMPILE,
                                 TP_CMD_TRAIN, TP_CMD_EVAL};
    for (size_t c = 0; c < sizeof commands / sizeof commands[0]; c++) {
        const tp_args args = tp_options_of((tp_command_bit)commands[c]);
        assert_true(args.n_opts <= TP_ARGS_MAX);
        for (int i = 0; i < args.n_opts; i++) {
            const tp_opt *a = &args.opt[i];
            assert_int_equal(a->required & ~a->commands, 0);
            assert_true(a->lo <= a->hi);
            for (int j = 0; j < i; j++) {
                const tp_opt *b = &args.opt[j];
                if ((a->commands & b->commands & commands[c]) != 0) {
                    assert_string_not_equal(a->name, b->name);
                    assert_true(a->letter == 0 || a->letter != b->letter);
                }
            }
        }
    }
}

static void defaults_are_in_range(void **state) {
    (void)state;
    const tp_args args = tp_options_of(TP_CMD_TRAIN);
    const tp_options options = tp_options_default();
    int checked = 0;
    for (int i = 0; i < args.n_opts; i++) {
        const tp_opt *opt = &args.opt[i];
        const char *at = (const char *)&options + opt->offset;
        double value = 0;
        if (opt->type == TP_OPT_REAL) {
            memcpy(&value, at, sizeof value);
        } else if (opt->type == TP_OPT_INT) {
            int64_t whole;
            memcpy(&whole, at, sizeof whole);
            value = (double)whole;
        } else {
            continue;
        }
        assert_true(value >= opt->lo && value <= opt->hi);
        checked++;
    }
    assert_int_equal(checked, 19);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_type),
        cmocka_unit_test(takes_letters_and_dashes),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(takes_sizes),
        cmocka_unit_test(refuses_wrong_values),
        cmocka_unit_test(refuses_wrong_shapes),
        cmocka_unit_test(names_the_nearest),
        cmocka_unit_test(limits_repetition),
        cmocka_unit_test(help_comes_before_errors),
        cmocka_unit_test(commands_differ),
        cmocka_unit_test(measures_distance),
        cmocka_unit_test(real_table_is_sound),
        cmocka_unit_test(defaults_are_in_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
