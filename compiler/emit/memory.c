/* The part of <name>.h that says where the model's RAM is: one struct, or one
 * for each memory that the arena lies in and one for the rest; and the function
 * that makes a context of them. */
#include <ctype.h>
#include <string.h>

#include "compiler/emit/parts.h"

static bool split(const tp_emitter *e) {
    return e->plan->n_regions > 0;
}

/* The adapter and the training state; the arena too where it is one. */
static bool has_rest(const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    return !split(e) || m->adapter_bytes + m->train_bytes > 0;
}

const char *tp_emit_upper(tp_arena *arena, const char *name) {
    char *copy = tp_arena_copy(arena, name, strlen(name) + 1, 1);
    for (char *p = copy; p != NULL && *p != '\0'; p++) {
        *p = (char)toupper((unsigned char)*p);
    }
    return copy;
}

static const char *upper_region(const tp_emitter *e, int r) {
    const char *name = tp_emit_upper(e->arena, e->plan->region[r].name);
    return name != NULL ? name : "";
}

const char *tp_emit_ram_types(const tp_emitter *e) {
    const char *text =
        has_rest(e) ? tp_arena_printf(e->arena, "sizeof(%s_memory)", e->name)
                    : "";
    for (int r = 0; r < e->plan->n_regions && text != NULL; r++) {
        text = tp_arena_printf(e->arena, "%s%ssizeof(%s_region_%s)", text,
                               text[0] != '\0' ? " + " : "", e->name,
                               e->plan->region[r].name);
    }
    return text;
}

void tp_emit_region_sizes(tp_text *out, const tp_emitter *e) {
    for (int r = 0; r < e->plan->n_regions; r++) {
        tp_text_add(out, "#define %s_REGION_%s_BYTES %uu\n", e->upper,
                    upper_region(e, r), (unsigned)e->plan->model.region[r]);
    }
}

/* Its bytes, and the word that puts an object there. */
static void print_region(tp_text *out, const tp_emitter *e, int r) {
    const tp_region *region = &e->plan->region[r];
    const char *upper = upper_region(e, r);
    tp_text_add(out, "\n/* The arena's part in %s, for the section",
                region->name);
    tp_emit_words(
        out,
        tp_arena_printf(
            e->arena, ".tinypeft.%s: memory at 0x%08x that has %u bytes. */",
            region->name, (unsigned)region->address, (unsigned)region->bytes),
        "\n * ");
    tp_text_add(out, "\n#define %s_REGION_%s", e->upper, upper);
    tp_emit_word(out,
                 tp_arena_printf(e->arena,
                                 "__attribute__((section(\".tinypeft.%s\")))",
                                 region->name),
                 " \\\n    ");
    tp_text_add(out, "\ntypedef struct %s_region_%s {\n", e->name,
                region->name);
    tp_text_add(out, "    TP_ALIGNED uint8_t");
    tp_emit_word(out,
                 tp_arena_printf(e->arena, "bytes[%s_REGION_%s_BYTES];",
                                 e->upper, upper),
                 "\n        ");
    tp_text_add(out, "\n} %s_region_%s;\n", e->name, region->name);
}

static void print_parameters(tp_text *out, const tp_emitter *e) {
    const char *comma = "";
    if (has_rest(e)) {
        tp_emit_word(out,
                     tp_arena_printf(e->arena, "%s_memory *memory%s", e->name,
                                     split(e) ? "," : ") {"),
                     "\n    ");
    }
    for (int r = 0; r < e->plan->n_regions; r++) {
        comma = r + 1 < e->plan->n_regions ? "," : ") {";
        tp_emit_word(out,
                     tp_arena_printf(e->arena, "%s_region_%s *region_%s%s",
                                     e->name, e->plan->region[r].name,
                                     e->plan->region[r].name, comma),
                     "\n    ");
    }
}

static void print_open(tp_text *out, const tp_emitter *e) {
    static const char next[] = "\n                        ";
    const tp_model *m = &e->plan->model;
    const char *first = split(e)
                            ? tp_arena_printf(e->arena, "region_%s->bytes,",
                                              e->plan->region[0].name)
                            : "memory->arena,";
    tp_text_add(out, "static inline tp_ctx %s_open(", e->name);
    print_parameters(out, e);
    tp_text_add(out, "\n    const tp_ctx ctx = {&%s_model,", e->name);
    tp_emit_word(out, first, next);
    tp_text_add(out, "%s%s, %s, {", next,
                m->adapter_bytes > 0 ? "memory->adapter" : "NULL",
                m->train_bytes > 0 ? "memory->train" : "NULL");
    for (int r = 0; r < e->plan->n_regions; r++) {
        tp_emit_word(out,
                     tp_arena_printf(e->arena, "region_%s->bytes%s",
                                     e->plan->region[r].name,
                                     r + 1 < e->plan->n_regions ? "," : "}};"),
                     next);
    }
    tp_text_add(out, "%s\n    return ctx;\n}\n", split(e) ? "" : "NULL}};");
}

/* Sizes are multiples of TP_ALIGN; an empty part is left out. */
static void print_rest(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    const struct {
        const char *name, *size;
        uint32_t bytes;
    } part[] = {{"arena", "ARENA", split(e) ? 0 : 1},
                {"adapter", "ADAPTER", m->adapter_bytes},
                {"train", "TRAIN", m->train_bytes}};
    const char *type = "TP_ALIGNED uint8_t";
    if (split(e)) {
        tp_text_add(out, "\n/* The rest of the model's RAM, anywhere. */");
    } else {
        tp_text_add(out, "\n/* All RAM of the model; sizeof is");
        tp_emit_words(out,
                      tp_arena_printf(e->arena, "%s_RAM_BYTES. */", e->upper),
                      "\n * ");
    }
    tp_text_add(out, "\ntypedef struct %s_memory {\n", e->name);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        if (part[i].bytes == 0) {
            continue;
        }
        tp_text_add(out, "    %s", type);
        tp_emit_word(out,
                     tp_arena_printf(e->arena, "%s[%s_%s_BYTES];", part[i].name,
                                     e->upper, part[i].size),
                     "\n        ");
        tp_text_add(out, "\n");
        type = "uint8_t";
    }
    tp_text_add(out, "} %s_memory;\n", e->name);
}

void tp_emit_memory(tp_text *out, const tp_emitter *e) {
    for (int r = 0; r < e->plan->n_regions; r++) {
        print_region(out, e, r);
    }
    if (has_rest(e)) {
        print_rest(out, e);
    }
    tp_text_add(out, "\n");
    print_open(out, e);
}
