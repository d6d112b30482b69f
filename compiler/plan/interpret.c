#include "compiler/plan/interpret.h"

#include "tinypeft/train.h"

typedef void (*caller)(const void *desc, void *const *arg);

/* A typed call for every row: void pointers convert to each argument. */
#define TP_CALL_1(f, desc, a) f(desc, a[0])
#define TP_CALL_2(f, desc, a) f(desc, a[0], a[1])
#define TP_CALL_3(f, desc, a) f(desc, a[0], a[1], a[2])
#define TP_CALL_4(f, desc, a) f(desc, a[0], a[1], a[2], a[3])
#define TP_CALL_5(f, desc, a) f(desc, a[0], a[1], a[2], a[3], a[4])
#define TP_CALL_6(f, desc, a) f(desc, a[0], a[1], a[2], a[3], a[4], a[5])
#define TP_CALL_7(f, desc, a) f(desc, a[0], a[1], a[2], a[3], a[4], a[5], a[6])
#define TP_KERNEL(name, isa, type, n, args)                                    \
    static void call_##name##_##isa(const void *desc, void *const *a) {        \
        TP_CALL_##n(tp_##name##_##isa, desc, a);                               \
    }
#include "tinypeft/kernels.def"
#undef TP_KERNEL

static const caller callers[TP_KERNEL_COUNT] = {
#define TP_KERNEL(name, isa, type, n, args)                                    \
    [TP_K_##name##_##isa] = call_##name##_##isa,
#include "tinypeft/kernels.def"
#undef TP_KERNEL
};

/* What the caller of a program hands over. */
typedef struct frame {
    const tp_ctx *ctx;
    const tp_plan *plan;
    const tp_program *program;
    const void *x;
    void *y;
    const void *target;
    int32_t *loss;
} frame;

/* Drops const: kernels take their inputs as const again. */
static void *writable(const void *p) {
    union {
        const void *in;
        void *out;
    } u = {.in = p};
    return u.out;
}

static void *resolve(const frame *f, uint32_t step, const tp_arg *arg) {
    if (arg->kind == TP_ARG_CONST) {
        return writable(arg->data);
    }
    if (arg->kind == TP_ARG_GSCALE) {
        tp_gscale *g =
            (tp_gscale *)(void *)(f->ctx->train + f->plan->model.layout.gscale);
        return g + f->plan->gscale[arg->tensor];
    }
    if (arg->kind == TP_ARG_ONLINE) {
        return &tp_train_state_of(f->ctx)->online;
    }
    if (arg->kind == TP_ARG_SCRATCH) {
        return f->ctx->arena + f->program->scratch[step].offset;
    }
    const tp_address *a = &f->program->address[arg->tensor];
    switch (a->place) {
    case TP_PLACE_ARENA:
        return f->ctx->arena + a->offset;
    case TP_PLACE_X:
        return (uint8_t *)writable(f->x) + a->offset;
    case TP_PLACE_Y:
        return (uint8_t *)f->y + a->offset;
    case TP_PLACE_TARGET:
        return writable(f->target);
    case TP_PLACE_LOSS:
        return f->loss;
    case TP_PLACE_ADAPTER:
        return f->ctx->adapter + a->offset;
    case TP_PLACE_TRAIN:
        return f->ctx->train + a->offset;
    case TP_PLACE_CONST: /* became TP_ARG_CONST in lowering */
    case TP_PLACE_NONE:
        break;
    }
    return NULL;
}

static void run_step(const frame *f, uint32_t i) {
    const tp_step *step = &f->program->step[i];
    void *arg[TP_MAX_ARGS];
    for (int a = 0; a < step->n_args; a++) {
        arg[a] = resolve(f, i, &step->arg[a]);
    }
    callers[step->kernel](step->desc, arg);
}

static const tp_plan *plan_of(const tp_ctx *ctx) {
    return ((const tp_interpreter *)(const void *)ctx->model)->plan;
}

static void run_all(const frame *f) {
    for (int i = 0; i < f->program->n_steps; i++) {
        run_step(f, (uint32_t)i);
    }
}

static void infer(const tp_ctx *ctx, const void *x, void *y) {
    const tp_plan *plan = plan_of(ctx);
    run_all(&(frame){
        .ctx = ctx, .plan = plan, .program = &plan->infer, .x = x, .y = y});
}

static void keep(const tp_ctx *ctx, const void *x, void *kept) {
    const tp_plan *plan = plan_of(ctx);
    run_all(&(frame){
        .ctx = ctx, .plan = plan, .program = &plan->keep, .x = x, .y = kept});
}

static void sample(const tp_ctx *ctx, tp_slice *slice) {
    const tp_plan *plan = plan_of(ctx);
    const frame f = {.ctx = ctx,
                     .plan = plan,
                     .program = &plan->sample,
                     .x = slice->x,
                     .target = slice->target,
                     .loss = slice->loss};
    for (; tp_slice_open(slice, plan->model.n_steps);
         tp_slice_next(slice, plan->model.cost)) {
        run_step(&f, slice->step);
    }
}

void tp_interpreter_init(tp_interpreter *interpreter, const tp_plan *plan) {
    interpreter->model = plan->model;
    interpreter->model.infer = infer;
    interpreter->model.sample = plan->sample.n_steps > 0 ? sample : NULL;
    interpreter->model.keep = plan->keep.n_steps > 0 ? keep : NULL;
    interpreter->plan = plan;
}

tp_status tp_interpreter_open(tp_arena *arena,
                              const tp_interpreter *interpreter, tp_ctx *ctx) {
    const tp_model *model = &interpreter->model;
    const tp_ctx open = {
        .model = model,
        .arena = tp_arena_alloc(arena, model->arena_bytes + 1u, 1),
        .adapter = tp_arena_alloc(arena, model->adapter_bytes + 1u, 1),
        .train = tp_arena_alloc(arena, model->train_bytes + 1u, 1)};
    if (open.arena == NULL || open.adapter == NULL || open.train == NULL) {
        return TP_ERR_NO_MEMORY;
    }
    *ctx = open;
    return TP_OK;
}
