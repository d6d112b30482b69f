/* What each kernel costs: every row of kernels.def over several shapes, its
 * instructions and its terms (compiler/plan/cost.h), a line each:
 *
 *   KERNEL INSTRUCTIONS TERM...
 *
 * bench/fit.py reads them and makes compiler/plan/cost.def. A kernel without a
 * case here has no line, and the fit refuses. Descriptors are made in
 * shapes.c, data here: activations and weights are uniform, half of the
 * gradients are 0, exponents are such that results neither vanish nor
 * saturate. */
#include "bench/shapes.h"
#include "compiler/plan/cost.h"
#include "core/bfp.h"
#include "core/rng.h"
#include "ports/qemu/measure.h"
#include "ports/qemu/semihost.h"

enum { BYTES = 1 << 18, WORDS = BYTES / 4 };

/* What a kernel's arguments point to, by letter. Inputs: x int8, w q8 weights,
 * u q16, d q8 gradient with zeros, f q8 gradient without, p q32, b int32,
 * h int16, k factors, q packed weights, i places, c label, n no argument.
 * Outputs: y any, a accumulator q32 or q16, v weights q8, m int16, r low bytes.
 * g delayed scale, o online state, l loss, s scratch. */
static int32_t x[WORDS], w[WORDS], u[WORDS], d[WORDS], f[WORDS], p[WORDS],
    b[WORDS], h[WORDS], y[WORDS], a[WORDS], v[WORDS], m[WORDS], r[WORDS];
static tp_factor k[256];
static uint8_t q[8192];
static uint16_t places[2048];
static uint8_t label;
static int32_t loss;
static tp_gscale scale;
static tp_online online;

typedef struct kernel {
    const char *name;
    tp_kernel_id id;
    void (*call)(const void *desc, void *const *arg);
} kernel;

/* A typed call for every row: void pointers convert to each argument. */
#define CALL_1(k, op, arg) k(op, arg[0])
#define CALL_2(k, op, arg) k(op, arg[0], arg[1])
#define CALL_3(k, op, arg) k(op, arg[0], arg[1], arg[2])
#define CALL_4(k, op, arg) k(op, arg[0], arg[1], arg[2], arg[3])
#define CALL_5(k, op, arg) k(op, arg[0], arg[1], arg[2], arg[3], arg[4])
#define CALL_6(k, op, arg) k(op, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5])
#define CALL_7(k, op, arg)                                                     \
    k(op, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5], arg[6])
#define TP_KERNEL(name, isa, type, n, args)                                    \
    static void name##_##isa(const void *desc, void *const *arg) {             \
        CALL_##n(tp_##name##_##isa, desc, arg);                                \
    }
#include "tinypeft/kernels.def"
#undef TP_KERNEL

static const kernel kernels[] = {
#define TP_KERNEL(name, isa, type, n, args)                                    \
    {#name "_" #isa, TP_K_##name##_##isa, name##_##isa},
#include "tinypeft/kernels.def"
#undef TP_KERNEL
};

static void *buffer(char letter) {
    switch (letter) {
    case 'x':
        return x;
    case 'w':
        return w;
    case 'u':
        return u;
    case 'd':
        return d;
    case 'f':
        return f;
    case 'p':
        return p;
    case 'b':
        return b;
    case 'h':
        return h;
    case 'i':
        return places;
    case 'q':
        return q;
    case 'k':
        return k;
    case 'c':
        return &label;
    case 'a':
        return a;
    case 'v':
        return v;
    case 'm':
        return m;
    case 'r':
        return r;
    case 'g':
        return &scale;
    case 'o':
        return &online;
    case 'l':
        return &loss;
    case 's':
        return p + WORDS / 2;
    case 'n':
        return NULL;
    default:
        return y;
    }
}

/* Random bytes; of a gradient, every second value on average is 0. */
static void fill(void *to, uint32_t seed, bool zeros) {
    uint32_t rng = tp_rng_seed(seed);
    int8_t *byte = to;
    for (int32_t i = 0; i < BYTES; i++) {
        const uint32_t random = tp_rng_next(&rng);
        const int32_t value = (int32_t)(random >> 25) - 64;
        byte[i] = (int8_t)(zeros && (random & 1u) != 0 ? 0 : value);
    }
}

/* Numbers of `bits` bits and a sign. */
static void fill32(int32_t *to, uint32_t seed, int bits) {
    uint32_t rng = tp_rng_seed(seed);
    for (int32_t i = 0; i < WORDS; i++) {
        to[i] = (int32_t)tp_rng_next(&rng) >> (31 - bits);
    }
}

static void exponent8(void *to, int8_t e) {
    ((tp_q8 *)to)->e = e;
}

static void exponent16(void *to, int16_t e) {
    ((tp_q16 *)to)->e = e;
}

/* Before every call: what a kernel changes starts anew. */
static void reset(int32_t shift) {
    fill(v, 7, false);
    fill32(a, 8, 8);
    exponent8(w, -8);
    exponent8(v, -8);
    exponent8(d, 0);
    exponent8(f, 0);
    exponent16(u, -4);
    p[0] = -10; /* tp_q32: the exponent is a word of its own */
    a[0] = -4;
    scale = (tp_gscale){.e = (int8_t)shift};
    online =
        (tp_online){.rate = tp_bfp_of(1, -3), .sum = tp_bfp_of(1, 0), .rng = 5};
    label = 1;
    r[0] = INT32_C(1) << 20; /* masters with room: not to be looked at */
}

/* The measured loop runs `times` times: SysTick counts in steps of 40. */
static uint32_t instructions(const kernel *it, const bench_case *c,
                             void *const *arg) {
    uint64_t sum = 0;
    for (int i = 0; i < c->times; i++) {
        reset(c->scale);
        const uint64_t start = tp_qemu_instructions();
        it->call(c->desc, arg);
        sum += tp_qemu_instructions() - start;
    }
    return (uint32_t)(sum / (uint64_t)c->times);
}

static void measure(const kernel *it, const bench_case *c) {
    void *arg[TP_MAX_ARGS] = {0};
    uint64_t term[TP_COST_TERMS];
    (void)tp_cost_terms(it->id, c->desc, term);
    for (int i = 0; c->args[i] != '\0'; i++) {
        arg[i] = buffer(c->args[i]);
    }
    tp_qemu_print(it->name);
    tp_qemu_print(" ");
    tp_qemu_print_number(instructions(it, c, arg));
    for (int i = 0; i < TP_COST_TERMS; i++) {
        tp_qemu_print(" ");
        tp_qemu_print_number(term[i]);
    }
    tp_qemu_print("\n");
}

int main(void) {
    fill(x, 1, false);
    fill(w, 2, false);
    fill(u, 3, false);
    fill(d, 4, true);
    fill(f, 5, false);
    fill32(p, 6, 12);
    fill32(b, 9, 14);
    fill(h, 10, false);
    for (int i = 0; i < (int)sizeof q; i++) { /* exponents, then codes */
        q[i] = (uint8_t)(i < 16 ? 248 + i % 4 : i * 37);
    }
    for (int i = 0; i < 2048; i++) {
        places[i] = (uint16_t)(i * 16);
    }
    for (int i = 0; i < 256; i++) {
        k[i] = (tp_factor){(1 << 30) + i * 4000000, -7 - i % 3};
    }
    for (size_t n = 0; n < sizeof kernels / sizeof kernels[0]; n++) {
        bench_case c;
        for (int i = 0; bench_case_of(kernels[n].id, i, &c); i++) {
            measure(&kernels[n], &c);
        }
    }
    return 0;
}
