/* <name>.h: what the model costs, what goes in and out, how to remake it. */
#include <string.h>

#include "compiler/emit/parts.h"

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

/* The command, a line for each option that is given more than once. */
static void print_command(tp_text *out, const char *command) {
    static const char option[] = " --adapter";
    tp_text_add(out, " *   ");
    for (const char *p = command; *p != '\0'; p++) {
        if (strncmp(p, option, sizeof option - 1) == 0) {
            tp_text_add(out, " \\\n *      ");
        }
        tp_text_add(out, "%c", *p);
    }
    tp_text_add(out, "\n");
}

static void print_contract(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    const tp_graph *g = e->plan->graph;
    const unsigned descriptors = descriptor_bytes(e);
    tp_text_add(out, "/* %s. Generated; do not edit.\n *\n", e->name);
    print_command(out, e->options->command);
    tp_text_add(out, " *   tinypeft %s, %s, target %s\n *   sha256 ",
                TP_VERSION, e->options->source, e->options->target);
    print_sha(out, m->base_sha256);
    tp_text_add(out,
                "\n *\n *             bytes\n"
                " *   flash  %8u   base weights %u, tables %u, descriptors %u; "
                "code not counted\n",
                (unsigned)e->plan->flash_constants + descriptors,
                (unsigned)e->plan->flash_weights,
                (unsigned)(e->plan->flash_constants - e->plan->flash_weights),
                descriptors);
    tp_text_add(out,
                " *   RAM    %8u   arena %u (infer alone: %u), adapter %u, "
                "training %u\n *\n",
                (unsigned)(m->arena_bytes + m->adapter_bytes + m->train_bytes),
                (unsigned)m->arena_bytes, (unsigned)m->infer_bytes,
                (unsigned)m->adapter_bytes, (unsigned)m->train_bytes);
    print_tensor(out, e, "in ", &g->tensor[g->input]);
    print_tensor(out, e, "out", &g->tensor[g->output]);
    if (m->n_params > 0 && m->classes > 0) {
        tp_text_add(out, " *   target  uint8, a class below %u\n",
                    (unsigned)m->classes);
    } else if (m->n_params > 0) {
        tp_text_add(out, " *   target  int8 %u values, scaled as out\n",
                    (unsigned)m->target_bytes);
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
                {"Y", m->y_bytes}};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        tp_text_add(out, "#define %s_%s_BYTES %uu\n", e->upper, size[i].what,
                    size[i].bytes);
    }
    tp_text_add(out, "#define %s_RAM_BYTES %uu\n", e->upper,
                (unsigned)(m->arena_bytes + m->adapter_bytes + m->train_bytes));
}

/* Sizes are multiples of TP_ALIGN; an empty part is left out. */
static void print_memory(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    tp_text_add(out,
                "\n/* All RAM of the model; sizeof is %s_RAM_BYTES. */\n"
                "typedef struct %s_memory {\n",
                e->upper, e->name);
    tp_text_add(out, "    _Alignas(TP_ALIGN) uint8_t arena[%s_ARENA_BYTES];\n",
                e->upper);
    if (m->adapter_bytes > 0) {
        tp_text_add(out, "    uint8_t adapter[%s_ADAPTER_BYTES];\n", e->upper);
    }
    if (m->train_bytes > 0) {
        tp_text_add(out, "    uint8_t train[%s_TRAIN_BYTES];\n", e->upper);
    }
    tp_text_add(out, "} %s_memory;\n\n", e->name);
    tp_text_add(out, "static inline tp_ctx %s_open(%s_memory *memory) {\n",
                e->name, e->name);
    tp_text_add(out,
                "    const tp_ctx ctx = {&%s_model, memory->arena,\n"
                "                        %s, %s};\n"
                "    return ctx;\n}\n",
                e->name, m->adapter_bytes > 0 ? "memory->adapter" : "NULL",
                m->train_bytes > 0 ? "memory->train" : "NULL");
}

char *tp_emit_header(const tp_emitter *e) {
    tp_text out = {.arena = e->arena};
    print_contract(&out, e);
    tp_text_add(&out, "#ifndef %s_H\n#define %s_H\n\n", e->upper, e->upper);
    tp_text_add(&out, "#include \"tinypeft/model.h\"\n\n");
    tp_text_add(&out,
                "#if TP_ABI != %d\n"
                "#error \"made for runtime ABI %d: run the tinypeft compile "
                "command above again\"\n#endif\n"
                "#if defined(__BYTE_ORDER__) && "
                "__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__\n"
                "#error \"adapters are little-endian in memory; this target "
                "is not\"\n#endif\n\n",
                TP_ABI, TP_ABI);
    print_sizes(&out, e);
    tp_text_add(&out,
                "\n/* For the runtime: infer, train, load and store. */\n"
                "extern const tp_model %s_model;\n",
                e->name);
    print_memory(&out, e);
    tp_text_add(&out, "\n#endif\n");
    return tp_text_done(&out);
}
