/* <name>.c: descriptors, the steps of each program, the model's table. */
#include <string.h>

#include "compiler/emit/parts.h"

/* --- descriptors ---------------------------------------------------------- */

static void print_int(tp_text *out, const tp_field *field, const void *desc) {
    const int32_t *v =
        (const int32_t *)(const void *)((const char *)desc + field->offset);
    if (field->count == 1) {
        tp_text_add(out, "%d", (int)*v);
        return;
    }
    tp_text_add(out, "{");
    for (int i = 0; i < field->count; i++) {
        tp_text_add(out, "%s%d", i > 0 ? ", " : "", (int)v[i]);
    }
    tp_text_add(out, "}");
}

static void print_field(tp_text *out, const tp_emitter *e,
                        const tp_field *field, const void *desc) {
    const char *at = (const char *)desc + field->offset;
    switch (field->type) {
    case TP_F_INT:
        print_int(out, field, desc);
        break;
    case TP_F_FACTOR: {
        tp_factor f;
        memcpy(&f, at, sizeof f);
        tp_text_add(out, "{%d, %d}", (int)f.m, (int)f.s);
        break;
    }
    case TP_F_PART: {
        tp_part *part = NULL;
        memcpy(&part, at, sizeof part);
        const char *name = tp_part_name(part);
        out->failed = out->failed || name == NULL;
        tp_text_add(out, "%s", name != NULL ? name : "");
        break;
    }
    case TP_F_POINTER: {
        const void *data = NULL;
        memcpy(&data, at, sizeof data);
        const char *name = tp_emit_const_name(e, data);
        if (name != NULL) {
            tp_text_add(out, "%s_%s", e->name, name);
        } else {
            tp_text_add(out, "NULL");
        }
        break;
    }
    }
}

static bool is_zero(const tp_field *field, const void *desc) {
    static const char zeros[64];
    const size_t bytes = field->type == TP_F_INT ? 4u * (size_t)field->count
                         : field->type == TP_F_FACTOR ? sizeof(tp_factor)
                                                      : sizeof(void *);
    return memcmp((const char *)desc + field->offset, zeros, bytes) == 0;
}

static void print_desc(tp_text *out, const tp_emitter *e,
                       const tp_emit_desc *d) {
    const tp_desc_type *type = d->step->type;
    tp_text word = {.arena = e->arena};
    tp_text_add(out, "static const %s %s = {\n    ", type->name, d->name);
    for (int i = 0; i < type->n_fields; i++) {
        const tp_field *field = &type->field[i];
        if (is_zero(field, d->step->desc)) {
            continue; /* the initialiser's default */
        }
        word.n = 0;
        tp_text_add(&word, ".%s = ", field->name);
        print_field(&word, e, field, d->step->desc);
        tp_text_add(&word, ",");
        tp_emit_word(out, tp_text_done(&word), "\n    ");
    }
    tp_text_add(out, "\n};\n\n");
}

static void print_externs(tp_text *out, const tp_emitter *e) {
    for (int i = 0; i < e->plan->n_constants; i++) {
        tp_emit_extern(out, e, &e->plan->constant[i]);
    }
}

/* --- steps ---------------------------------------------------------------- */

/* How lines begin: in a function, or inside its switch. */
typedef struct margin {
    const char *line, *comment, *comment_end, *argument;
} margin;

static const margin in_function = {"    ", "\n     * ", "\n     ",
                                   "\n        "};
static const margin in_switch = {"        ", "\n         * ", "\n         ",
                                 "\n            "};

static void print_arg(tp_text *out, const tp_emitter *e,
                      const tp_program *program, int step, const tp_arg *arg) {
    if (arg->kind == TP_ARG_CONST) {
        const char *name = tp_emit_const_name(e, arg->data);
        tp_text_add(out, "%s%s%s", name ? e->name : "", name ? "_" : "",
                    name ? name : "NULL");
        return;
    }
    if (arg->kind == TP_ARG_GSCALE) {
        const uint32_t at = e->plan->model.layout.gscale +
                            (uint32_t)sizeof(tp_gscale) *
                                (uint32_t)e->plan->gscale[arg->tensor];
        tp_text_add(out, "at(ctx->train, %u)", (unsigned)at);
        return;
    }
    if (arg->kind == TP_ARG_ONLINE) {
        tp_text_add(out, "&tp_train_state_of(ctx)->online");
        return;
    }
    const tp_address *a = arg->kind == TP_ARG_SCRATCH
                              ? &program->scratch[step]
                              : &program->address[arg->tensor];
    const bool slice = program == &e->plan->sample;
    const bool keep = program == &e->plan->keep;
    const char *const plain[] = {
        [TP_PLACE_X] = slice ? "s->x" : "x", [TP_PLACE_Y] = "y",
        [TP_PLACE_TARGET] = "s->target",     [TP_PLACE_LOSS] = "s->loss",
        [TP_PLACE_ARENA] = "arena",          [TP_PLACE_ADAPTER] = "adapter",
        [TP_PLACE_TRAIN] = "train"};
    if (a->place == TP_PLACE_ARENA && a->region > 0) {
        tp_text_add(out, "at(ctx->region[%d], %u)", a->region,
                    (unsigned)(a->offset - e->plan->region[a->region].start));
    } else if (a->place == TP_PLACE_ARENA || a->place == TP_PLACE_ADAPTER ||
               a->place == TP_PLACE_TRAIN) {
        tp_text_add(out, "at(ctx->%s, %u)", plain[a->place],
                    (unsigned)a->offset);
    } else if (keep && a->place == TP_PLACE_Y) {
        tp_text_add(out, "at(sample, %u)", (unsigned)a->offset);
    } else if (slice && a->place == TP_PLACE_X && e->plan->keep.n_steps > 0) {
        tp_text_add(out, "kept(s, %u)", (unsigned)a->offset);
    } else {
        tp_text_add(out, "%s", plain[a->place]);
    }
}

/* "3 conv4: conv 1x25x5x64 -> 1x25x5x64, 512000 MAC, y = 0.037 * (q + 128)" */
static void print_comment(tp_text *out, const tp_emitter *e, const margin *m,
                          int number, const tp_op *op) {
    const tp_graph *g = e->plan->graph;
    const tp_opdef *def = tp_opdef_of(op->kind);
    tp_text words = {.arena = e->arena};
    tp_text_add(&words, "%s: %s", op->name, tp_kind_name(op->kind));
    if (op->n_in > 0) {
        tp_text_add(&words, " %s",
                    tp_emit_shape(e->arena, &g->tensor[op->in[0]]));
    }
    tp_text_add(&words, " -> %s", tp_emit_shape(e->arena, &g->tensor[op->out]));
    if (def->macs != NULL) {
        tp_text_add(&words, ", %lld MAC", (long long)def->macs(g, op));
    }
    const tp_tensor *y = &g->tensor[op->out];
    const bool scaled = y->dtype == TP_S8 && y->quant.n == 1;
    tp_text_add(&words, scaled ? "," : "");
    const char *text = tp_text_done(&words);
    tp_text_add(out, "%s/* %d", m->line, number);
    tp_emit_words(out, text != NULL ? tp_emit_comment(e->arena, text) : NULL,
                  m->comment);
    if (scaled) {
        tp_text_add(out, "%sy = %s", m->comment, tp_emit_real(e->arena, y));
    }
    tp_emit_word(out, "*/", m->comment_end);
    tp_text_add(out, "\n");
}

static void print_step(tp_text *out, const tp_emitter *e, const margin *m,
                       const tp_program *program, int i) {
    const tp_step *step = &program->step[i];
    if (i == 0 || program->step[i - 1].op != step->op) {
        print_comment(out, e, m, i, &e->plan->graph->op[step->op]);
    }
    tp_text word = {.arena = e->arena};
    tp_text_add(out, "%s%s(", m->line, tp_kernel_name(step->kernel));
    tp_text_add(&word, "&%s,", tp_emit_desc_name(e, step->desc));
    for (int a = 0; a < step->n_args; a++) {
        tp_emit_word(out, tp_text_done(&word), m->argument);
        word.n = 0;
        print_arg(&word, e, program, i, &step->arg[a]);
        tp_text_add(&word, a + 1 < step->n_args ? "," : ");");
    }
    tp_emit_word(out, tp_text_done(&word), m->argument);
    tp_text_add(out, "\n");
}

/* False where all tensors are the caller's. Training always has others. */
static bool uses_at(const tp_program *program) {
    for (int i = 0; i < program->n_steps; i++) {
        for (int a = 0; a < program->step[i].n_args; a++) {
            const tp_arg *arg = &program->step[i].arg[a];
            const tp_place place =
                arg->kind == TP_ARG_TENSOR ? program->address[arg->tensor].place
                : arg->kind == TP_ARG_SCRATCH ? TP_PLACE_ARENA
                                              : TP_PLACE_CONST;
            if (place == TP_PLACE_ARENA || place == TP_PLACE_ADAPTER) {
                return true;
            }
        }
    }
    return false;
}

static void print_infer(tp_text *out, const tp_emitter *e) {
    tp_text_add(out, "static void infer(const tp_ctx *ctx, const void *x, "
                     "void *y) {\n    (void)ctx;\n");
    for (int i = 0; i < e->plan->infer.n_steps; i++) {
        print_step(out, e, &in_function, &e->plan->infer, i);
    }
    tp_text_add(out, "}\n\n");
}

/* What becomes of a sample that is stored, and where its parts are then. */
static void print_keep(tp_text *out, const tp_emitter *e) {
    if (e->plan->keep.n_steps == 0) {
        return;
    }
    tp_text_add(out, "static void keep(const tp_ctx *ctx, const void *x, "
                     "void *sample) {\n    (void)ctx;\n");
    for (int i = 0; i < e->plan->keep.n_steps; i++) {
        print_step(out, e, &in_function, &e->plan->keep, i);
    }
    tp_text_add(out, "}\n\nstatic inline const void *kept(const tp_slice *s, "
                     "uint32_t offset) {\n"
                     "    return (const uint8_t *)s->x + offset;\n}\n\n");
}

/* Name of the forward op that a backward op belongs to is the start of its
 * own; the last step tells how far down backward goes. */
static void print_backward(tp_text *out, const tp_emitter *e,
                           const char *last) {
    const char *safe = tp_emit_comment(e->arena, last);
    tp_text_add(out, "\n    /* Backward, from the loss down to");
    tp_emit_words(out,
                  safe != NULL ? tp_arena_printf(e->arena, "%s.", safe) : NULL,
                  "\n     * ");
    tp_emit_words(out,
                  "What lies before holds nothing to train: no gradient is "
                  "made for it. */",
                  "\n     * ");
    tp_text_add(out, "\n");
}

/* What each step costs, in estimated instructions. */
static void print_step_costs(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    tp_text_add(out, "static const uint32_t cost[%u] = {\n    ",
                (unsigned)m->n_steps);
    for (uint32_t i = 0; i < m->n_steps; i++) {
        tp_emit_word(out,
                     tp_arena_printf(e->arena, "%u,", (unsigned)m->cost[i]),
                     "\n    ");
    }
    tp_text_add(out, "\n};\n\n");
}

/* One case a step, so that a sample can be left and taken up between any
 * two. */
static void print_sample(tp_text *out, const tp_emitter *e) {
    const tp_program *p = &e->plan->sample;
    const tp_graph *g = e->plan->graph;
    bool backward = false;
    print_step_costs(out, e);
    tp_text_add(out,
                "static void step(const tp_ctx *ctx, const tp_slice *s) {\n"
                "    switch (s->step) {\n");
    for (int i = 0; i < p->n_steps; i++) {
        if (!backward && p->step[i].op >= g->first_backward) {
            backward = true;
            print_backward(out, e, g->op[p->step[p->n_steps - 1].op].name);
        }
        tp_text_add(out, "    case %d:\n", i);
        print_step(out, e, &in_switch, p, i);
        tp_text_add(out, "        break;\n");
    }
    tp_text_add(out,
                "    default:\n        break;\n    }\n}\n\n"
                "static void sample(const tp_ctx *ctx, tp_slice *s) {\n"
                "    for (; tp_slice_open(s, %d); tp_slice_next(s, cost)) "
                "{\n        step(ctx, s);\n    }\n}\n\n",
                p->n_steps);
}

/* --- the model's table ---------------------------------------------------- */

static void print_params(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    tp_text_add(out, "static const tp_param params[%u] = {\n",
                (unsigned)m->n_params);
    for (uint32_t i = 0; i < m->n_params; i++) {
        const tp_param *p = &m->params[i];
        const char *name = tp_emit_string(e->arena, p->name);
        out->failed = out->failed || name == NULL;
        tp_text_add(out,
                    "    {.name = %s,\n     .count = %u, .adapter = %u, "
                    ".grad = %u, .master = %u,\n     .type = %u, .init = %u, "
                    ".init_std = %u, .unit = {%d, %d}",
                    name != NULL ? name : "", (unsigned)p->count,
                    (unsigned)p->adapter, (unsigned)p->grad,
                    (unsigned)p->master, p->type, p->init, p->init_std,
                    (int)p->unit.m, (int)p->unit.s);
        if (p->ranks > 0) {
            tp_text_add(out,
                        ",\n     .ranks = %u, .stride = %u,\n     .packing = "
                        "&tp_packing_few_bits",
                        (unsigned)p->ranks, (unsigned)p->stride);
        }
        tp_text_add(out, "},\n");
    }
    tp_text_add(out, "};\n\n");
}

static void print_indices(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    if (m->n_indices == 0) {
        return;
    }
    tp_text_add(out, "static const tp_index indices[%u] = {\n",
                (unsigned)m->n_indices);
    for (uint32_t i = 0; i < m->n_indices; i++) {
        const tp_index *index = &m->indices[i];
        const char *name = tp_emit_string(e->arena, index->name);
        out->failed = out->failed || name == NULL;
        tp_text_add(out,
                    "    {.name = %s,\n     .count = %u, .limit = %u, "
                    ".adapter = %u},\n",
                    name != NULL ? name : "", (unsigned)index->count,
                    (unsigned)index->limit, (unsigned)index->adapter);
    }
    tp_text_add(out, "};\n\n");
}

static const char *const optimisers[] = {[TP_STATE_MOMENTUM] = "momentum",
                                         [TP_STATE_ACCUMULATE] = "accumulate",
                                         [TP_STATE_ONLINE] = "online"};

static void print_training(tp_text *out, const tp_model *m) {
    const tp_train_layout *l = &m->layout;
    tp_text_add(out,
                "    .target_bytes = %u, .classes = %u, .loss_floor = %d,\n"
                "    .n_params = %u, .n_values = %u, .n_gscale = %u,\n"
                "    .params = params, .n_steps = %u, .cost = cost,\n"
                "    .state = %u, .optimiser = &tp_optimiser_%s,\n",
                (unsigned)m->target_bytes, (unsigned)m->classes,
                (int)m->loss_floor, (unsigned)m->n_params,
                (unsigned)m->n_values, (unsigned)m->n_gscale,
                (unsigned)m->n_steps, (unsigned)m->state, optimisers[m->state]);
    tp_text_add(out,
                "    .layout = {.gscale = %u, .grads = %u, .grads_bytes = %u,\n"
                "               .master = %u, .momentum = %u, .checkpoint = "
                "%u},\n    .sample = sample,\n",
                (unsigned)l->gscale, (unsigned)l->grads,
                (unsigned)l->grads_bytes, (unsigned)l->master,
                (unsigned)l->momentum, (unsigned)l->checkpoint);
}

static void print_model(tp_text *out, const tp_emitter *e) {
    const tp_model *m = &e->plan->model;
    tp_text_add(out, "const tp_model %s_model = {\n    .name = \"%s\",\n",
                e->name, e->name);
    tp_text_add(out, "    .base_sha256 = {");
    for (int i = 0; i < 32; i++) {
        tp_text_add(out, "%s0x%02x,", i % 8 == 0 ? "\n        " : " ",
                    m->base_sha256[i]);
    }
    tp_text_add(out, "\n    },\n    .layout_id = 0x%08xu,\n",
                (unsigned)m->layout_id);
    static const char *const size[][2] = {
        {"arena", "ARENA"},  {"infer", "INFER"}, {"adapter", "ADAPTER"},
        {"train", "TRAIN"},  {"x", "X"},         {"y", "Y"},
        {"sample", "SAMPLE"}};
    const size_t sizes = sizeof size / sizeof *size - (m->n_params > 0 ? 0 : 1);
    for (size_t i = 0; i < sizes; i++) {
        const char *value =
            tp_arena_printf(e->arena, "%s_%s_BYTES,", e->upper, size[i][1]);
        tp_text_add(out, "    .%s_bytes =", size[i][0]);
        tp_emit_word(out, value, "\n        ");
        tp_text_add(out, "\n");
    }
    if (e->plan->n_regions > 0) {
        tp_text_add(out, "    .region = {%u, %u, %u, %u},\n",
                    (unsigned)m->region[0], (unsigned)m->region[1],
                    (unsigned)m->region[2], (unsigned)m->region[3]);
    }
    if (m->n_params > 0) {
        print_training(out, m);
    }
    if (m->n_indices > 0) {
        tp_text_add(out, "    .n_indices = %u, .indices = indices,\n",
                    (unsigned)m->n_indices);
    }
    if (e->plan->keep.n_steps > 0) {
        tp_text_add(out, "    .keep = keep,\n");
    }
    tp_text_add(out, "    .infer = infer,\n};\n");
}

char *tp_emit_program(const tp_emitter *e) {
    tp_text out = {.arena = e->arena};
    const char *types = tp_emit_ram_types(e);
    tp_emit_title(&out, e, "The program");
    tp_text_add(&out,
                "#include \"%s.h\"\n\n#include \"tinypeft/kernels.h\"\n\n",
                e->name);
    tp_emit_words(
        &out,
        types == NULL
            ? NULL
            : tp_arena_printf(e->arena,
                              "_Static_assert(%s == %s_RAM_BYTES, \"RAM\");",
                              types, e->upper),
        "\n               ");
    tp_text_add(&out, "\n\n");
    print_externs(&out, e);
    tp_text_add(&out, "\n");
    for (int i = 0; i < e->n_descs; i++) {
        print_desc(&out, e, &e->desc[i]);
    }
    if (uses_at(&e->plan->infer) || e->plan->sample.n_steps > 0) {
        tp_text_add(&out,
                    "static inline void *at(uint8_t *base, uint32_t offset) "
                    "{\n    return base + offset;\n}\n\n");
    }
    print_infer(&out, e);
    if (e->plan->sample.n_steps > 0) {
        print_keep(&out, e);
        print_sample(&out, e);
        print_params(&out, e);
        print_indices(&out, e);
    }
    print_model(&out, e);
    return tp_text_done(&out);
}
