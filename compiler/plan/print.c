/* The plan as people read it: sizes, a table of steps for each program, and
 * the memory map of the arena. */
#include "compiler/plan/cost.h"
#include "compiler/plan/plan.h"
#include "compiler/text_buffer.h"

static const char *place_name(tp_place place) {
    static const char *const names[] = {[TP_PLACE_NONE] = "-",
                                        [TP_PLACE_ARENA] = "arena",
                                        [TP_PLACE_X] = "x",
                                        [TP_PLACE_Y] = "y",
                                        [TP_PLACE_TARGET] = "target",
                                        [TP_PLACE_LOSS] = "loss",
                                        [TP_PLACE_ADAPTER] = "adapter",
                                        [TP_PLACE_TRAIN] = "train",
                                        [TP_PLACE_CONST] = "flash"};
    return names[place];
}

static bool has_offset(tp_place place) {
    return place == TP_PLACE_ARENA || place == TP_PLACE_ADAPTER ||
           place == TP_PLACE_TRAIN;
}

static void print_arg(tp_text *out, const tp_plan *plan,
                      const tp_program *program, int step, const tp_arg *arg) {
    if (arg->kind == TP_ARG_GSCALE) {
        tp_text_add(out, " scale[%d]", plan->gscale[arg->tensor]);
        return;
    }
    if (arg->kind == TP_ARG_CONST) {
        const char *name = "null";
        for (int i = 0; i < plan->n_constants; i++) {
            if (plan->constant[i].data == arg->data) {
                name = plan->constant[i].name;
            }
        }
        tp_text_add(out, " %s", name);
        return;
    }
    const tp_address *a = arg->kind == TP_ARG_SCRATCH
                              ? &program->scratch[step]
                              : &program->address[arg->tensor];
    tp_text_add(out, " %s", place_name(a->place));
    if (has_offset(a->place) || plan->graph->tensor[arg->tensor].latent) {
        tp_text_add(out, "+%u", (unsigned)a->offset);
    }
}

/* The output of a step that lies over its op's first input. */
static void print_overlap(tp_text *out, const tp_plan *plan,
                          const tp_program *program, const tp_step *step) {
    const tp_op *op = &plan->graph->op[step->op];
    const tp_address *y = &program->address[op->out];
    const int in = op->n_in > 0 ? op->in[0] : -1;
    const tp_address *x = in >= 0 ? &program->address[in] : y;
    if (y == x || y->place != TP_PLACE_ARENA || x->place != TP_PLACE_ARENA ||
        y->offset >= x->offset + x->bytes ||
        x->offset >= y->offset + y->bytes) {
        return;
    }
    tp_text_add(out, "  in place%s",
                step->desc == step->reversed ? ", last pixel first" : "");
}

static void print_program(tp_text *out, const char *name, const tp_plan *plan,
                          const tp_program *program) {
    const double least = program->peak_bytes > 0 ? program->peak_bytes : 1;
    uint32_t bytes = 0;
    for (int r = 0; r < TP_MAX_REGIONS; r++) {
        bytes += program->region_bytes[r];
    }
    const double gap = 100.0 * ((double)bytes - program->peak_bytes) / least;
    tp_text_add(out,
                "\nprogram %s: %d steps, arena %u bytes, lower bound %u "
                "(live at step %d), gap %.1f %%, about %llu instructions\n",
                name, program->n_steps, (unsigned)bytes,
                (unsigned)program->peak_bytes, program->peak_step, gap,
                (unsigned long long)tp_program_cost(program));
    for (int i = 0; i < program->n_steps; i++) {
        const tp_step *step = &program->step[i];
        tp_text_add(out, "%4d  %s", i, plan->graph->op[step->op].name);
        tp_text_pad(out, 34);
        tp_text_add(out, "%s", tp_kernel_name(step->kernel));
        tp_text_pad(out, 64);
        tp_text_add(out, "%9llu", (unsigned long long)tp_step_cost(step));
        for (int a = 0; a < step->n_args; a++) {
            print_arg(out, plan, program, i, &step->arg[a]);
        }
        print_overlap(out, plan, program, step);
        tp_text_add(out, "\n");
    }
}

static void print_map(tp_text *out, const char *name, const tp_plan *plan,
                      const tp_program *program) {
    tp_text_add(out, "\narena of %s: offset, bytes, steps, tensor\n", name);
    for (int i = 0; i < plan->graph->n_tensors; i++) {
        const tp_address *a = &program->address[i];
        if (a->place == TP_PLACE_ARENA && a->first >= 0) {
            tp_text_add(out, "%8u %8u  %3d..%-3d  ", (unsigned)a->offset,
                        (unsigned)a->bytes, a->first, a->last);
            if (plan->n_regions > 0) {
                const tp_region *r = &plan->region[a->region];
                tp_text_add(out, "%s 0x%08x  ", r->name,
                            (unsigned)(r->address + a->offset - r->start));
            }
            tp_text_add(out, "%s\n", plan->graph->tensor[i].name);
        }
    }
}

/* What forward leaves for backward: live across the border. */
static void print_saved(tp_text *out, const tp_plan *plan) {
    const tp_program *p = &plan->sample;
    int border = p->n_steps;
    for (int i = p->n_steps - 1; i >= 0; i--) {
        if (p->step[i].op >= plan->graph->first_backward) {
            border = i;
        }
    }
    uint32_t sum = 0;
    tp_text_add(out, "\nsaved for backward:\n");
    for (int i = 0; i < plan->graph->n_tensors; i++) {
        const tp_address *a = &p->address[i];
        if (a->place == TP_PLACE_ARENA && a->first >= 0 && a->first < border &&
            a->last > border) {
            tp_text_add(out, "%8u  %s\n", (unsigned)a->bytes,
                        plan->graph->tensor[i].name);
            sum += a->bytes;
        }
    }
    tp_text_add(out, "%8u  in all\n", (unsigned)sum);
}

/* What is kept of a sample, and where in it. */
static void print_kept(tp_text *out, const tp_plan *plan) {
    tp_text_add(out, "\nkept of a sample: offset, bytes, tensor\n");
    for (int i = 0; i < plan->graph->n_tensors; i++) {
        const tp_address *a = &plan->keep.address[i];
        if (plan->graph->tensor[i].latent) {
            tp_text_add(out, "%8u %8u  %s\n", (unsigned)a->offset,
                        (unsigned)a->bytes, plan->graph->tensor[i].name);
        }
    }
}

char *tp_plan_print(tp_arena *arena, const tp_plan *plan) {
    tp_text out = {.arena = arena};
    const tp_model *model = &plan->model;
    tp_text_add(&out, "plan %s\n", plan->graph->name);
    tp_text_add(&out, "flash    %8u  weights %u, tables %u\n",
                (unsigned)plan->flash_constants, (unsigned)plan->flash_weights,
                (unsigned)(plan->flash_constants - plan->flash_weights));
    tp_text_add(&out, "arena    %8u  infer alone %u\n",
                (unsigned)model->arena_bytes, (unsigned)model->infer_bytes);
    for (int r = 0; r < plan->n_regions; r++) {
        tp_text_add(&out, "region   %8u  %s at 0x%08x, of %u\n",
                    (unsigned)model->region[r], plan->region[r].name,
                    (unsigned)plan->region[r].address,
                    (unsigned)plan->region[r].bytes);
    }
    tp_text_add(&out, "adapter  %8u\n", (unsigned)model->adapter_bytes);
    tp_text_add(&out, "train    %8u\n", (unsigned)model->train_bytes);
    tp_text_add(&out, "sample   %8u  as it is kept for training\n",
                (unsigned)model->sample_bytes);
    static const char *const type[] = {[TP_PARAM_Q8] = "q8",
                                       [TP_PARAM_S16] = "s16",
                                       [TP_PARAM_Q4] = "q4",
                                       [TP_PARAM_Q2] = "q2"};
    for (uint32_t i = 0; i < model->n_params; i++) {
        const tp_param *param = &model->params[i];
        tp_text_add(&out, "param    %8u  %s %s, adapter+%u\n",
                    (unsigned)param->count, param->name, type[param->type & 3],
                    (unsigned)param->adapter);
    }
    print_program(&out, "infer", plan, &plan->infer);
    print_map(&out, "infer", plan, &plan->infer);
    if (plan->sample.n_steps > 0) {
        print_program(&out, "sample", plan, &plan->sample);
        print_map(&out, "sample", plan, &plan->sample);
        print_saved(&out, plan);
    }
    if (plan->keep.n_steps > 0) {
        print_program(&out, "keep", plan, &plan->keep);
        print_map(&out, "keep", plan, &plan->keep);
        print_kept(&out, plan);
    }
    return tp_text_done(&out);
}
