/* Truth link: gradients -> the choice of a sparse adapter's weights, on the
 * keyword spotter: the largest sums over the shots, by a count of our own. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/choose.h"
#include "core/rng.h"
#include "runtime/train/sgd.h"
#include "tests/unit/data.h"
#include "tests/unit/expected.h"
#include "tinypeft/adapter.h"

enum { SHOTS = 3, INPUT = 490, PLACES = 4096, CHOSEN = 82 };

typedef struct subject {
    tp_arena arena;
    tp_diag diag;
    uint8_t *bytes;
    size_t n;
    const char *spec[2];
    tp_compile_options options;
    tp_plan plan;
    tp_interpreter run;
    tp_ctx ctx;
    uint8_t x[SHOTS * INPUT], target[SHOTS];
    tp_shots shots;
} subject;

static void open_model(subject *m, const char *spec, const char *other) {
    uint32_t rng = tp_rng_seed(5);
    memset(m, 0, sizeof *m);
    m->diag.arena = &m->arena;
    m->bytes = test_spotter(&m->n);
    m->spec[0] = spec;
    m->spec[1] = other;
    m->options = (tp_compile_options){
        .name = "kws", .spec = m->spec, .n_specs = other != NULL ? 2 : 1};
    test_ok(
        tp_compile(&m->arena, m->bytes, m->n, &m->options, &m->plan, &m->diag),
        &m->diag);
    tp_interpreter_init(&m->run, &m->plan);
    test_ok(tp_interpreter_open(&m->arena, &m->run, &m->ctx), &m->diag);
    tp_adapter_init(&m->ctx, 3);
    for (int i = 0; i < SHOTS * INPUT; i++) {
        m->x[i] = (uint8_t)(tp_rng_next(&rng) >> 24);
    }
    for (int i = 0; i < SHOTS; i++) {
        m->target[i] = (uint8_t)(3 * i);
    }
    m->shots = (tp_shots){.x = m->x,
                          .target = m->target,
                          .n = SHOTS,
                          .config = TP_TRAIN_DEFAULTS};
    m->shots.config.updates = 4;
}

static void close_model(subject *m) {
    tp_arena_free(&m->arena);
    free(m->bytes);
}

static const uint16_t *list_of(const subject *m) {
    return (const uint16_t *)(const void *)(m->ctx.adapter +
                                            m->run.model.indices[0].adapter);
}

static void choose(subject *m) {
    test_ok(tp_choose(&m->arena, m->bytes, m->n, &m->options, &m->shots,
                      &m->ctx, &m->diag),
            &m->diag);
    for (uint32_t i = 0; i < m->run.model.indices[0].count; i++) {
        assert_true(list_of(m)[i] < m->run.model.indices[0].limit);
        assert_true(i == 0 || list_of(m)[i] > list_of(m)[i - 1]);
    }
}

/* Sums of |g|^power over the shots, of every weight of conv8. */
static void count_scores(double power, double *score) {
    subject m;
    open_model(&m, "conv8=sparse:density=100%", NULL);
    const tp_model *model = &m.run.model;
    const tp_param *delta = &model->params[0];
    assert_int_equal(delta->count, PLACES);
    for (int s = 0; s < SHOTS; s++) {
        test_ok(tp_train_begin(&m.ctx, &m.shots.config), &m.diag);
        for (int run = 0; run < 300; run++) { /* scales follow slowly */
            int32_t loss = 0;
            tp_slice slice = {.x = m.x + s * INPUT,
                              .target = m.target + s,
                              .loss = &loss,
                              .steps = UINT32_MAX,
                              .cost = UINT32_MAX};
            tp_gscales_next(&m.ctx);
            memset(m.ctx.train + model->layout.grads, 0,
                   model->layout.grads_bytes);
            model->sample(&m.ctx, &slice);
        }
        const tp_q32 *g =
            (const tp_q32 *)(const void *)(m.ctx.train + delta->grad);
        for (int i = 0; i < PLACES; i++) {
            score[i] += pow(fabs(ldexp(g->v[i], g->e)), power);
        }
    }
    close_model(&m);
}

static int descending(const void *a, const void *b) {
    const double *x = a;
    const double *y = b;
    return *x < *y ? 1 : (*x > *y ? -1 : 0);
}

static void check_choice(const char *spec, double power) {
    double score[PLACES] = {0};
    double sorted[PLACES];
    subject m;
    open_model(&m, spec, NULL);
    assert_int_equal(m.run.model.indices[0].count, CHOSEN);
    choose(&m);
    count_scores(power, score);
    memcpy(sorted, score, sizeof score);
    qsort(sorted, PLACES, sizeof *sorted, descending);
    assert_true(sorted[CHOSEN] > 0.0 && sorted[0] > 2.0 * sorted[CHOSEN]);
    for (int i = 0; i < CHOSEN; i++) { /* scales may differ by a bit */
        assert_true(score[list_of(&m)[i]] >= 0.97 * sorted[CHOSEN - 1]);
    }
    close_model(&m);
}

static void test_gradient(void **state) {
    (void)state;
    check_choice("conv8=sparse:density=2%,choice=gradient", 1.0);
}

static void test_fisher(void **state) {
    (void)state;
    check_choice("conv8=sparse:density=2%,choice=fisher", 2.0);
}

/* A random list stays as it started. */
static void test_random(void **state) {
    (void)state;
    subject m;
    uint16_t before[CHOSEN];
    open_model(&m, "conv8=sparse:density=2%", NULL);
    memcpy(before, list_of(&m), sizeof before);
    choose(&m);
    assert_memory_equal(before, list_of(&m), sizeof before);
    close_model(&m);
}

/* A new head starts at 0 and passes nothing on: it is trained first. */
static void test_behind_a_head(void **state) {
    (void)state;
    subject m;
    uint16_t first[2];
    open_model(&m, "conv8=sparse:count=2,unit=channel,choice=gradient",
               "fc*=head:classes=10");
    choose(&m);
    memcpy(first, list_of(&m), sizeof first);
    assert_true(first[1] != 1); /* not the first two, as of zeros */
    choose(&m);
    assert_memory_equal(first, list_of(&m), sizeof first);
    close_model(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient),
        cmocka_unit_test(test_fisher),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_behind_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
