#include <math.h>
#include <string.h>

#include "compiler/ops/opdef.h"

static const struct {
    int n_args;
    const char *name;
} kernels[TP_KERNEL_COUNT] = {
#define TP_KERNEL(name, isa, desc, n, args)                                    \
    [TP_K_##name##_##isa] = {n, "tp_" #name "_" #isa},
#include "tinypeft/kernels.def"
#undef TP_KERNEL
};

const char *tp_part_name(tp_part *part) {
    static const struct {
        tp_part *part;
        const char *name;
    } parts[] = {
#define TP_PART(name, type) {(tp_part *)name, #name},
#include "tinypeft/parts.def"
#undef TP_PART
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].part == part) {
            return parts[i].name;
        }
    }
    return NULL;
}

int tp_kernel_args(tp_kernel_id kernel) {
    return kernels[kernel].n_args;
}

const char *tp_kernel_name(tp_kernel_id kernel) {
    return kernels[kernel].name;
}

uint32_t tp_step_scratch(const tp_step *step) {
    for (int a = 0; a < step->n_args; a++) {
        if (step->arg[a].kind == TP_ARG_SCRATCH) {
            return step->arg[a].bytes;
        }
    }
    return 0;
}

int32_t tp_kernel_gathers(tp_kernel_id kernel) {
    switch ((int)kernel) {
    case TP_K_conv2d_s8_fwd_scalar:
    case TP_K_conv2d_scaled_s8_fwd_scalar:
    case TP_K_conv2d_lora_s8_fwd_scalar:
    case TP_K_conv2d_s8_fwd_dsp:
    case TP_K_conv2d_scaled_s8_fwd_dsp:
    case TP_K_conv2d_lora_s8_fwd_dsp:
    case TP_K_conv2d_lora_u_s8_fwd_dsp:
    case TP_K_conv2d_s8_bwd_x_dsp:
    case TP_K_conv2d_lora_s8_bwd_x_dsp:
        return 2;
    case TP_K_conv2d_s8_fwd_mve:
        return 1;
    case TP_K_dwconv2d_s8_fwd_scalar:
    case TP_K_dwconv2d_scaled_s8_fwd_scalar:
    case TP_K_dwconv2d_s8_bwd_x_scalar:
    case TP_K_dwconv2d_s8_fwd_mve:
    case TP_K_dwconv2d_s8_fwd_dsp:
    case TP_K_dwconv2d_scaled_s8_fwd_dsp:
    case TP_K_dwconv2d_s8_bwd_x_dsp:
        return TP_BY_CHANNEL;
    default:
        return 0;
    }
}

/* The same descriptor with its `reverse` set; NULL: memory ran out. */
static const void *reversed(tp_arena *arena, const tp_desc_type *type,
                            const void *desc) {
    const int32_t one = 1;
    char *copy = tp_arena_copy(arena, desc, 1, type->bytes);
    if (copy != NULL) {
        memcpy(copy + type->reverse, &one, sizeof one);
    }
    return copy;
}

tp_status tp_lower_step(tp_lower *lower, tp_kernel_id kernel,
                        const tp_desc_type *type, const void *desc,
                        const tp_arg *arg) {
    if (lower->n_steps == lower->cap_steps) {
        const int wider = lower->cap_steps == 0 ? 64 : 2 * lower->cap_steps;
        tp_step *moved =
            tp_arena_alloc(lower->arena, (size_t)wider, sizeof *moved);
        if (moved == NULL) {
            return tp_no_memory(lower->diag);
        }
        if (lower->n_steps > 0) {
            memcpy(moved, lower->step, (size_t)lower->n_steps * sizeof *moved);
        }
        lower->step = moved;
        lower->cap_steps = wider;
    }
    tp_step *step = &lower->step[lower->n_steps];
    *step = (tp_step){.kernel = kernel,
                      .type = type,
                      .desc = tp_arena_copy(lower->arena, desc, 1, type->bytes),
                      .n_args = kernels[kernel].n_args,
                      .op = lower->op};
    memcpy(step->arg, arg, (size_t)step->n_args * sizeof *arg);
    lower->n_steps++;
    if (type->reverse != 0) {
        step->reversed = reversed(lower->arena, type, desc);
    }
    return step->desc != NULL && (type->reverse == 0 || step->reversed != NULL)
               ? TP_OK
               : tp_no_memory(lower->diag);
}

tp_status tp_lower_join(tp_lower *lower, const tp_step *joined, int made) {
    tp_step *last = &lower->step[lower->n_steps - 1];
    const tp_step before = *last;
    lower->n_steps--;
    TP_TRY(tp_lower_step(lower, joined->kernel, joined->type, joined->desc,
                         joined->arg));
    last = &lower->step[lower->n_steps - 1];
    tp_step *copy = tp_arena_copy(lower->arena, last, 1, sizeof *last);
    *last = before;
    last->joined = copy;
    last->made = made;
    return copy != NULL ? TP_OK : tp_no_memory(lower->diag);
}

size_t tp_const_bytes(const tp_const *constant) {
    const size_t each = constant->dtype == TP_BITS
                            ? sizeof(uint16_t)
                            : tp_dtype_bytes(constant->dtype);
    return constant->count * each;
}

static bool same(const tp_const *constant, tp_dtype dtype, const void *data,
                 size_t count) {
    return constant->dtype == dtype && constant->count == count &&
           memcmp(constant->data, data, tp_const_bytes(constant)) == 0;
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A leading '_' would be a name of the C library's. */
const char *tp_c_name(tp_arena *arena, const char *name) {
    char *c =
        tp_arena_printf(arena, "%s%s", is_letter(name[0]) ? "" : "op_", name);
    for (char *p = c; p != NULL && *p != '\0'; p++) {
        *p = is_letter(*p) || (*p >= '0' && *p <= '9') ? *p : '_';
    }
    return c;
}

/* A second table of the same op and role gets a number. */
static const char *unique_name(tp_lower *lower, const char *suffix) {
    const char *op = tp_c_name(lower->arena, lower->graph->op[lower->op].name);
    const char *name =
        op != NULL ? tp_arena_printf(lower->arena, "%s_%s", op, suffix) : NULL;
    for (int i = 0, n = 2; name != NULL && i < lower->n_constants; i++) {
        if (strcmp(lower->constant[i].name, name) == 0) {
            name = tp_arena_printf(lower->arena, "%s_%s%d", op, suffix, n++);
            i = -1;
        }
    }
    return name;
}

const void *tp_lower_const(tp_lower *lower, tp_dtype dtype, const void *data,
                           size_t count, const char *suffix) {
    for (int i = 0; i < lower->n_constants; i++) {
        if (same(&lower->constant[i], dtype, data, count)) {
            return lower->constant[i].data;
        }
    }
    if (lower->n_constants == lower->cap_constants) {
        const int wider =
            lower->cap_constants == 0 ? 64 : 2 * lower->cap_constants;
        tp_const *moved =
            tp_arena_alloc(lower->arena, (size_t)wider, sizeof *moved);
        if (moved == NULL) {
            return NULL;
        }
        if (lower->n_constants > 0) {
            memcpy(moved, lower->constant,
                   (size_t)lower->n_constants * sizeof *moved);
        }
        lower->constant = moved;
        lower->cap_constants = wider;
    }
    tp_const *constant = &lower->constant[lower->n_constants];
    *constant = (tp_const){
        .name = unique_name(lower, suffix), .dtype = dtype, .count = count};
    constant->data =
        tp_arena_copy(lower->arena, data, 1, tp_const_bytes(constant));
    if (constant->name == NULL || constant->data == NULL) {
        return NULL;
    }
    lower->n_constants++;
    return constant->data;
}

tp_factor tp_factor_of(double f) {
    if (!(f > 0.0)) {
        return (tp_factor){0, 0};
    }
    int s = 0;
    int64_t m = llround(frexp(f, &s) * (double)(INT64_C(1) << 31));
    if (m == INT64_C(1) << 31) {
        m /= 2;
        s++;
    }
    if (s < -31) { /* all bits would be shifted out */
        return (tp_factor){0, 0};
    }
    return (tp_factor){(int32_t)m, s};
}
