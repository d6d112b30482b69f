/* <name>.h: what the model costs, what goes in and out, how to remake it. */
#include <string.h>

#include "compiler/emit/parts.h"
#include "compiler/plan/cost.h"

/* Bytes of the descriptors on a 32-bit target. */
static uint32_t descriptor_bytes(const tp_emitter *e) {
    uint32_t sum = 0;
    for (int i = 0; i < e->n_descs; i++) {
        const tp_desc_type *type = e->desc[i].step->type;
        for (int f = 0; f < type->n_fields; f++) {
            const tp_field *field = &type->field[f];
            sum += field->type == TP_F_INT      ? 4u * (uint32_t)field->count
                   : field->type == TP_F_FACTOR ? 8u
                                                : 4u;
        }
    }
    return sum;
}

static void print_sha(tp_text *out, const uint8_t *sha) {
    for (int i = 0; i < 32; i++) {
        tp_text_add(out, "%02x", sha[i]);
    }
}

static void print_tensor(tp_text *out, const tp_emitter *e, const char *role,
                         const tp_tensor *t) {
    tp_text_add(out, " *   %s   %s %s", role,
                t->dtype == TP_U8 ? "uint8" : "int8",
                tp_emit_shape(e->arena, t));
    if (t->quant.n == 1) {
        tp_text_add(out, ", real = %s", tp_emit_real(e->arena, t));
    }
    tp_text_add(out, "\n");
}

/* Bytes of a shell's words up to the next option; quotes keep words together.
 */
static size_t option_bytes(const char *text) {
    bool quoted = false;
    size_t n = 0;
    while (text[n] != '\0' &&
           (n == 0 || quoted || strncmp(text + n, " --", 3) != 0)) {
        const bool escape = !quoted && text[n] == '\\' && text[n + 1] != '\0';
        quoted = quoted != (text[n] == '\'');
        n += escape ? 2 : 1;
    }
    return n;
}

/* The command: a line for each adapter, and for other options where a line is
 * full. */
static void print_command(tp_text *out, const char *command) {
    static const char adapter[] = " --adapter";
    size_t column = 5;
    tp_text_add(out, " *   ");
    for (const char *p = command; *p != '\0';) {
        const size_t n = option_bytes(p);
        if (p > command &&
            (column + n > 76 || strncmp(p, adapter, sizeof adapter - 1) == 0)) {
            tp_text_add(out, " \\\n *      ");
            column = 8;
        }
        tp_text_add(out, "%.*s", (int)n, p);
        column += n;
        p += n;
    }
    tp_text_add(out, "\n");
}

/* A line of the table of bytes. */
static void print_bytes(tp_text *out, const char *what, unsigned bytes,
                        const char *parts) {
    tp_text_add(out, " *   %s  %8u  ", what, bytes);
    tp_text_add(out, " ");
    tp_emit_words(out, parts, "\n *                     ");
    tp_text_add(out, "\n");
}

static void print_costs(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    const unsigned weights = e->plan->flash_weights;
    const unsigned constants = e->plan->flash_constants;
    const unsigned descriptors = descriptor_bytes(e);
    tp_text_add(out, " *\n *             bytes\n");
    print_bytes(out, "flash", constants + descriptors,
                tp_arena_printf(e->arena,
                                "base weights %u, tables %u, descriptors %u; "
                                "code not counted",
                                weights, constants - weights, descriptors));
    print_bytes(
        out, "RAM  ",
        (unsigned)(m->arena_bytes + m->adapter_bytes + m->train_bytes),
        tp_arena_printf(e->arena,
                        "arena %u (infer alone: %u), adapter %u, "
                        "training %u",
                        (unsigned)m->arena_bytes, (unsigned)m->infer_bytes,
                        (unsigned)m->adapter_bytes, (unsigned)m->train_bytes));
}

/* What is stored of a sample to train on. */
static void print_kept(tp_text *out, const tp_emitter *e) {
    const tp_graph *g = e->plan->graph;
    const unsigned bytes = e->plan->model.sample_bytes;
    const unsigned samples = e->plan->samples;
    const char *text = tp_arena_printf(
        e->arena, "%u bytes, kept by about %llu instructions:", bytes,
        (unsigned long long)tp_program_cost(&e->plan->keep));
    const char *comma = "";
    for (int i = 0; i < g->n_tensors && text != NULL; i++) {
        if (g->tensor[i].latent) {
            const char *name = tp_emit_comment(e->arena, g->tensor[i].name);
            text = tp_arena_printf(e->arena, "%s%s %s", text, comma,
                                   name != NULL ? name : "");
            comma = ",";
        }
    }
    if (e->plan->keep.n_steps == 0) {
        text = tp_arena_printf(e->arena, "%u bytes, the input as it is", bytes);
    }
    if (text != NULL && samples > 0) {
        text = tp_arena_printf(e->arena, "%s; %u of them take %llu", text,
                               samples, (unsigned long long)samples * bytes);
    }
    tp_text_add(out, " *   sample ");
    tp_emit_words(out, text, "\n *     ");
    tp_text_add(out, "\n");
}

/* Where the model comes from, and how to make this file again. */
static void print_origin(tp_text *out, const tp_emitter *e) {
    const char *command = tp_emit_comment(e->arena, e->options->command);
    const char *source = tp_emit_comment(e->arena, e->options->source);
    if (command == NULL || source == NULL) {
        out->failed = true;
        return;
    }
    print_command(out, command);
    tp_text_add(out, " *   tinypeft %s,", TP_VERSION);
    tp_emit_words(
        out,
        tp_arena_printf(e->arena, "%s, target %s", source, e->options->target),
        "\n *     ");
    tp_text_add(out, "\n *   sha256 ");
    print_sha(out, e->plan->model.base_sha256);
    tp_text_add(out, "\n");
}

static void print_contract(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    const tp_graph *g = e->plan->graph;
    tp_text_add(out, "/* %s. Generated; do not edit.\n *\n", e->name);
    print_origin(out, e);
    print_costs(out, e);
    tp_text_add(out, " *\n");
    print_tensor(out, e, "in ", &g->tensor[g->input]);
    print_tensor(out, e, "out", &g->tensor[g->output]);
    if (m->n_params > 0 && m->classes > 0) {
        tp_text_add(out, " *   target  uint8, a class below %u\n",
                    (unsigned)m->classes);
    } else if (m->n_params > 0) {
        tp_text_add(out, " *   target  int8 %u values, scaled as out\n",
                    (unsigned)m->target_bytes);
    }
    if (e->plan->keep.n_steps > 0 || (m->n_params > 0 && e->plan->samples)) {
        print_kept(out, e);
    }
    tp_text_add(out, " *\n * Calls cannot fail; the buffers are the caller's. "
                     "*/\n");
}

static void print_sizes(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    const struct {
        const char *what;
        unsigned bytes;
    } size[] = {{"ARENA", m->arena_bytes},
                {"INFER", m->infer_bytes},
                {"ADAPTER", m->adapter_bytes},
                {"TRAIN", m->train_bytes},
                {"X", m->x_bytes},
                {"Y", m->y_bytes},
                {"SAMPLE", m->sample_bytes}};
    const size_t sizes = sizeof size / sizeof *size - (m->n_params > 0 ? 0 : 1);
    for (size_t i = 0; i < sizes; i++) {
        tp_text_add(out, "#define %s_%s_BYTES %uu\n", e->upper, size[i].what,
                    size[i].bytes);
    }
    tp_emit_region_sizes(out, e);
    tp_text_add(out, "#define %s_RAM_BYTES %uu\n", e->upper,
                (unsigned)(m->arena_bytes + m->adapter_bytes + m->train_bytes));
    tp_text_add(out,
                "\n/* Of one inference: estimated instructions. */\n"
                "#define %s_INFER_COST %uu\n",
                e->upper, (unsigned)tp_program_cost(&e->plan->infer));
}

/* The slice with its budget in the plan's own units. */
static void print_slice(tp_text *out, const tp_emitter *e) {
    const char *name = tp_arena_printf(
        e->arena, "static inline tp_status %s_train_slice(", e->name);
    tp_text_add(out, "\n/* tp_train_slice(), at most");
    tp_emit_words(out, "about `cost` instructions. */", "\n * ");
    tp_text_add(out, "\nTP_MUST_CHECK ");
    tp_emit_words(out, name, "\n");
    tp_text_add(out, "\n    const tp_ctx *ctx, const void *sample, const "
                     "void *target, uint32_t cost,\n    bool *done) {\n"
                     "    const tp_train_budget budget = {0, cost};\n"
                     "    return tp_train_slice(ctx, sample, target, "
                     "&budget, done);\n}\n");
}

/* On other machines than Arm's the kernels have twins in C. */
static void print_isa(tp_text *out, const tp_emitter *e) {
    if ((e->plan->isa & TP_ISA_DSP) != 0) {
        tp_text_add(out, "#if defined(__arm__) && !defined(__ARM_FEATURE_DSP)\n"
                         "#error \"made for a core with the DSP extension\"\n"
                         "#endif\n\n");
    }
    if ((e->plan->isa & TP_ISA_MVE) != 0) {
        tp_text_add(out, "#if defined(__arm__) && !defined(__ARM_FEATURE_MVE)\n"
                         "#error \"made for a core with Helium\"\n"
                         "#endif\n\n");
    }
}

char *tp_emit_header(const tp_emitter *e) {
    tp_text out = {.arena = e->arena};
    print_contract(&out, e);
    tp_text_add(&out, "#ifndef %s_H\n#define %s_H\n\n", e->upper, e->upper);
    tp_text_add(&out, "#include \"tinypeft/%s.h\"\n\n",
                e->plan->model.n_params > 0 ? "train" : "model");
    tp_text_add(&out,
                "#if TP_ABI != %d\n"
                "#error \"made for runtime ABI %d: run the tinypeft compile "
                "command above again\"\n#endif\n"
                "#if defined(__BYTE_ORDER__) && "
                "__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n"
                "#error \"adapters are little-endian in memory; this target "
                "is not\"\n#endif\n\n",
                TP_ABI, TP_ABI);
    print_isa(&out, e);
    print_sizes(&out, e);
    tp_text_add(&out,
                "\n/* For the runtime: infer, train, load and store. */\n"
                "extern const tp_model %s_model;\n",
                e->name);
    tp_emit_memory(&out, e);
    if (e->plan->model.n_params > 0) {
        print_slice(&out, e);
    }
    tp_text_add(&out, "\n#endif\n");
    return tp_text_done(&out);
}
