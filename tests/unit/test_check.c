/* The checker of plans. It accepts what the planner makes, on 10,000 random
 * graphs; and it refuses what is one step from that: an output four bytes
 * nearer than its distance, the other order of pixels, two tensors at one
 * address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/compiler.h"
#include "compiler/plan/check.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tests/unit/one_op.h"
#include "tests/unit/random_graph.h"

/* --- a program that may be changed ---------------------------------------- */

typedef struct changed {
    tp_program program;
    tp_step *step;
    tp_address *address;
} changed;

static changed copy_of(tp_arena *arena, const tp_graph *graph,
                       const tp_program *p) {
    changed c = {.program = *p,
                 .step = tp_arena_copy(arena, p->step, (size_t)p->n_steps + 1,
                                       sizeof *p->step),
                 .address =
                     tp_arena_copy(arena, p->address, (size_t)graph->n_tensors,
                                   sizeof *p->address)};
    assert_true(c.step != NULL && c.address != NULL);
    c.program.step = c.step;
    c.program.address = c.address;
    return c;
}

static bool accepted(const tp_graph *graph, const changed *c) {
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    const tp_status status = tp_program_check(graph, &c->program, &diag);
    assert_true(status == TP_OK || status == TP_ERR_MALFORMED);
    assert_int_equal(diag.errors, status != TP_OK);
    tp_arena_free(&arena);
    return status == TP_OK;
}

/* Moves a tensor, with those that share its memory and have no life of their
 * own. */
static void move(changed *c, const tp_graph *graph, int tensor, uint32_t to) {
    const tp_address was = c->address[tensor];
    for (int i = 0; i < graph->n_tensors; i++) {
        tp_address *a = &c->address[i];
        const bool alias = i == tensor || a->first < 0;
        if (alias && a->place == TP_PLACE_ARENA && a->offset == was.offset &&
            a->bytes == was.bytes) {
            a->offset = to;
        }
    }
}

static bool in_arena(const tp_program *p, int tensor) {
    return tensor >= 0 && p->address[tensor].place == TP_PLACE_ARENA;
}

static bool share(const tp_address *a, const tp_address *b) {
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* --- one op at its distances ---------------------------------------------- */

/* What was tried, and what of it the checker refused. */
typedef struct tally {
    int exact, nearer, turned_refused;
} tally;

/* The next multiple of 4, towards plus infinity. */
static int64_t up4(int64_t n) {
    return n >= 0 ? (n + 3) / 4 * 4 : -(-n / 4 * 4);
}

/* Whether the op may run with x and y there, in this order of its pixels. */
static bool runs(const tp_graph *graph, const tp_plan *plan, int64_t x,
                 int64_t y, bool reverse) {
    tp_arena arena = {0};
    changed c = copy_of(&arena, graph, &plan->infer);
    const int64_t low = x < y ? x : y;
    const int64_t base = low < 0 ? -low : 0;
    c.program.arena_bytes = 1 << 16;
    c.address[graph->op[1].in[0]].offset = (uint32_t)(x + base);
    c.address[graph->op[1].out].offset = (uint32_t)(y + base);
    if (reverse) {
        c.step[1].desc = c.step[1].reversed;
    }
    const bool ok = accepted(graph, &c);
    tp_arena_free(&arena);
    return ok;
}

/* At its distance the op runs; four bytes nearer it does not, where a pixel of
 * y has as many: the byte that decided the distance is then still y's. */
static void check_order(const tp_graph *graph, const tp_plan *plan, int64_t y,
                        bool reverse, tally *t) {
    const tp_op *op = &graph->op[1];
    const int64_t x_bytes = plan->infer.address[op->in[0]].bytes;
    const int64_t y_bytes = plan->infer.address[op->out].bytes;
    const int64_t nearer = reverse ? y - 4 : y + 4;
    if (y >= x_bytes || y <= -y_bytes) {
        return; /* no byte is shared */
    }
    t->exact++;
    assert_true(runs(graph, plan, 0, y, reverse));
    if (graph->tensor[op->out].dim[3] >= 4) {
        t->nearer++;
        assert_false(runs(graph, plan, 0, nearer, reverse));
    }
    t->turned_refused += !runs(graph, plan, 0, y, !reverse);
}

static void one_op_at_its_distances(void **state) {
    static const tp_kind kinds[] = {TP_OP_CONV_2D, TP_OP_DEPTHWISE_CONV_2D,
                                    TP_OP_AVERAGE_POOL_2D, TP_OP_MAX_POOL_2D};
    enum { SEEDS = 1200 };
    const tp_plan_options apart = {.no_overlap = true};
    tally t = {0};
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        const tp_graph graph = tp_one_op(&arena, seed, kinds[seed % 4]);
        tp_plan plan;
        test_ok(tp_plan_make(&arena, &graph, &apart, &plan, &diag), &diag);
        tp_overlap over = {.forward = TP_APART, .reverse = TP_APART};
        const tp_op *op = &graph.op[1];
        tp_opdef_of(op->kind)->overlap(&graph, op, &over);
        const int64_t ends = (int64_t)plan.infer.address[op->in[0]].bytes -
                             plan.infer.address[op->out].bytes;
        check_order(&graph, &plan, -up4(over.forward), false, &t);
        check_order(&graph, &plan, up4(ends + over.reverse), true, &t);
        tp_arena_free(&arena);
    }
    print_message("%d overlaps at the distance; refused: %d four bytes nearer, "
                  "%d in the other order\n",
                  t.exact, t.nearer, t.turned_refused);
    assert_true(t.nearer > SEEDS / 2 && t.turned_refused > t.exact / 2);
}

/* --- channel by channel --------------------------------------------------- */

/* Such a step is right where y begins with x and nowhere else over it; scratch
 * lies behind both. */
static bool begins(const tp_graph *graph, const tp_plan *plan, uint32_t x,
                   uint32_t y) {
    tp_arena arena = {0};
    changed c = copy_of(&arena, graph, &plan->infer);
    c.program.arena_bytes = 1 << 16;
    c.program.scratch =
        tp_arena_copy(&arena, c.program.scratch, (size_t)c.program.n_steps,
                      sizeof *c.program.scratch);
    assert_non_null(c.program.scratch);
    c.program.scratch[1].offset = 1 << 15;
    c.address[graph->op[1].in[0]].offset = x;
    c.address[graph->op[1].out].offset = y;
    const bool ok = accepted(graph, &c);
    tp_arena_free(&arena);
    return ok;
}

static void channels_begin_with_x(void **state) {
    const tp_plan_options options = {.no_overlap = true, .isa = TP_ISA_DSP};
    int may = 0;
    (void)state;
    for (uint32_t seed = 0; seed < 4000; seed++) {
        tp_arena arena = {0};
        tp_diag diag = {.arena = &arena};
        const tp_graph graph = tp_one_op(&arena, seed, TP_OP_DEPTHWISE_CONV_2D);
        tp_plan plan;
        test_ok(tp_plan_make(&arena, &graph, &options, &plan, &diag), &diag);
        if (plan.infer.step[1].kernel == TP_K_dwconv2d_s8_fwd_dsp) {
            const uint32_t x = plan.infer.address[graph.op[1].in[0]].bytes;
            const uint32_t y = plan.infer.address[graph.op[1].out].bytes;
            const uint32_t at = 4096;
            tp_overlap over = {.gathers = TP_BY_CHANNEL};
            tp_opdef_of(TP_OP_DEPTHWISE_CONV_2D)
                ->overlap(&graph, &graph.op[1], &over);
            may += over.exact; /* it may be too careful, not too bold */
            assert_true(!over.exact || begins(&graph, &plan, at, at));
            assert_false(x > 4 && begins(&graph, &plan, at, at + 4));
            assert_false(y > 4 && begins(&graph, &plan, at, at - 4));
            assert_true(begins(&graph, &plan, at, at + (x + 3) / 4 * 4));
        }
        tp_arena_free(&arena);
    }
    print_message("%d begin with their input\n", may);
    assert_true(may > 50);
}

/* --- random graphs -------------------------------------------------------- */

static tp_status plan_random(tp_arena *arena, uint32_t seed, tp_plan *plan) {
    static const char *const specs[] = {"*=bitfit", "*=lora:rank=2", "*=head"};
    tp_diag diag = {.arena = arena};
    tp_graph *graph = tp_arena_alloc(arena, 1, sizeof *graph);
    tp_adapter_spec spec;
    const tp_pass_options passes = {.spec = &spec, .n_specs = seed % 4 < 3};
    const tp_plan_options options = {.effort = TP_EFFORT_QUICK};
    assert_non_null(graph);
    test_ok(tp_random_graph(arena, seed, graph, &diag), &diag);
    test_ok(tp_adapter_parse(arena, specs[seed % 3], &spec, &diag), &diag);
    TP_TRY(tp_passes_run(graph, &passes, NULL, NULL, &diag));
    test_ok(tp_plan_make(arena, graph, &options, plan, &diag), &diag);
    return TP_OK;
}

/* Steps whose output shares bytes with their op's first input at another
 * address. */
static int overlaps(const tp_graph *graph, const tp_program *p, int *step) {
    int n = 0;
    for (int i = 0; i < p->n_steps; i++) {
        const tp_op *op = &graph->op[p->step[i].op];
        if (in_arena(p, op->out) && in_arena(p, op->in[0])) {
            const tp_address *x = &p->address[op->in[0]];
            const tp_address *y = &p->address[op->out];
            if (share(x, y) && x->offset != y->offset) {
                step[n++] = i;
            }
        }
    }
    return n;
}

/* Every overlap of the program, turned round: refused, but where both orders
 * are right. */
static int refused_turned(tp_arena *arena, const tp_graph *graph,
                          const tp_program *p, const int *step, int n) {
    int refused = 0;
    for (int i = 0; i < n; i++) {
        changed c = copy_of(arena, graph, p);
        const tp_step *s = &p->step[step[i]];
        if (s->reversed == NULL) {
            continue;
        }
        char *desc = tp_arena_copy(arena, s->desc, 1, s->type->bytes);
        assert_non_null(desc);
        int32_t reverse = 0;
        memcpy(&reverse, desc + s->type->reverse, sizeof reverse);
        reverse = !reverse;
        memcpy(desc + s->type->reverse, &reverse, sizeof reverse);
        c.step[step[i]].desc = desc;
        refused += !accepted(graph, &c);
    }
    return refused;
}

/* Tensor i is given the address of j, which lives with it: refused, unless one
 * is made from the other. Returns how many pairs there were. */
static int swap_addresses(tp_arena *arena, const tp_graph *graph,
                          const tp_program *p) {
    int pairs = 0;
    for (int i = 0; i < graph->n_tensors; i++) {
        for (int j = 0; j < graph->n_tensors; j++) {
            const tp_address *a = &p->address[i];
            const tp_address *b = &p->address[j];
            if (a->place != TP_PLACE_ARENA || b->place != TP_PLACE_ARENA ||
                a->offset == b->offset || a->first > b->last ||
                b->first > a->last || a->first == b->last ||
                b->first == a->last || a->first < 0 || b->first < 0) {
                continue;
            }
            changed c = copy_of(arena, graph, p);
            move(&c, graph, i, b->offset);
            if (accepted(graph, &c)) {
                fail_msg("%s: tensors %s and %s at one address", graph->name,
                         graph->tensor[i].name, graph->tensor[j].name);
            }
            pairs++;
        }
    }
    return pairs;
}

typedef struct found {
    int plans, trained, overlaps, turned, pairs;
} found;

/* The planner has every program checked: a plan is a proof. */
static void look(tp_arena *arena, const tp_plan *plan, bool changes,
                 found *sum) {
    const tp_program *programs[] = {&plan->infer, &plan->sample};
    for (int k = 0; k < 2; k++) {
        const tp_program *p = programs[k];
        int *step = tp_arena_alloc(arena, (size_t)p->n_steps + 1, sizeof *step);
        assert_non_null(step);
        const int n = overlaps(plan->graph, p, step);
        sum->overlaps += n;
        if (changes && p->n_steps > 0) {
            sum->turned += refused_turned(arena, plan->graph, p, step, n);
            sum->pairs += swap_addresses(arena, plan->graph, p);
        }
    }
    sum->plans++;
    sum->trained += plan->sample.n_steps > 0;
}

static void ten_thousand_graphs(void **state) {
    enum { SEEDS = 10000, CHANGED = 100 };
    found all = {0};
    found some = {0};
    (void)state;
    for (uint32_t seed = 0; seed < SEEDS; seed++) {
        tp_arena arena = {0};
        tp_plan plan;
        if (plan_random(&arena, seed, &plan) == TP_OK) {
            look(&arena, &plan, false, &all);
            if (seed < CHANGED) {
                look(&arena, &plan, true, &some);
            }
        }
        tp_arena_free(&arena);
    }
    print_message("%d plans, %d of them trained: %d overlaps\n", all.plans,
                  all.trained, all.overlaps);
    print_message("of %d overlaps %d refused in the other order; %d pairs of "
                  "tensors refused at one address\n",
                  some.overlaps, some.turned, some.pairs);
    assert_true(all.plans > SEEDS * 4 / 5);
    assert_true(all.trained > SEEDS / 2 && all.overlaps > SEEDS / 2);
    assert_true(some.turned > some.overlaps / 2 && some.pairs > CHANGED);
}

/* --- a real model --------------------------------------------------------- */

static void a_real_model(void **state) {
    static const char *const spec[] = {"conv*=lora:rank=4"};
    (void)state;
    size_t n = 0;
    uint8_t *bytes = test_spotter(&n);
    tp_arena arena = {0};
    tp_diag diag = {.arena = &arena};
    const tp_compile_options options = {
        .name = "kws", .spec = spec, .n_specs = 1};
    tp_plan plan;
    found sum = {0};
    test_ok(tp_compile(&arena, bytes, n, &options, &plan, &diag), &diag);
    look(&arena, &plan, true, &sum);
    print_message("kws: of %d overlaps %d refused in the other order; %d pairs "
                  "refused\n",
                  sum.overlaps, sum.turned, sum.pairs);
    assert_true(sum.turned >= 8 && sum.pairs > 100);
    tp_arena_free(&arena);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_op_at_its_distances),
        cmocka_unit_test(channels_begin_with_x),
        cmocka_unit_test(ten_thousand_graphs),
        cmocka_unit_test(a_real_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
