/* Pictures: scales hold their data on round ticks, values land where they
 * belong, and any text is safe inside XML. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/svg.h"

static void check_axis(double lo, double hi, int ticks) {
    const tp_svg_axis a = tp_svg_axis_of("x", lo, hi, ticks);
    const double n = (a.hi - a.lo) / a.step;
    assert_true(a.lo <= lo + 1e-9 && a.hi >= hi - 1e-9 && a.lo < a.hi);
    assert_true(fabs(n - round(n)) < 1e-6);
    assert_true(n >= ticks / 2.0 && n <= 1.25 * ticks + 2.0);
    const double digit = a.step / pow(10.0, floor(log10(a.step) + 1e-9));
    assert_true(fabs(digit - 1) < 1e-6 || fabs(digit - 2) < 1e-6 ||
                fabs(digit - 5) < 1e-6);
}

static void axes_are_round(void **state) {
    (void)state;
    const double range[][2] = {{0, 1},         {0, 220},     {0.03, 2.31},
                               {-7, 13},       {97.1, 98.4}, {1e-6, 3e-6},
                               {22820, 65536}, {0, 1e7},     {-0.5, -0.1}};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        for (int ticks = 4; ticks <= 10; ticks += 2) {
            check_axis(range[i][0], range[i][1], ticks);
        }
    }
    const tp_svg_axis flat = tp_svg_axis_of("x", 3, 3, 5);
    assert_true(flat.lo < 3 && flat.hi > 3);
    const tp_svg_axis zero = tp_svg_axis_of("x", 0, 0, 5);
    assert_true(zero.lo < 0 && zero.hi > 0);
}

static void logarithmic_axes(void **state) {
    (void)state;
    const tp_svg_axis a = tp_svg_axis_log("bytes", 300, 43000);
    assert_true(fabs(a.lo - 200) < 1e-6 && fabs(a.hi - 50000) < 1e-3);
    const tp_svg_axis one = tp_svg_axis_log("bytes", 100, 100);
    assert_true(one.lo <= 100 && one.hi >= 100 && one.lo < one.hi);
    const tp_svg_plot plot = {10, 20, 100, 50, a, a, false};
    assert_true(fabs(tp_svg_x(&plot, 200) - 10) < 1e-6);
    assert_true(fabs(tp_svg_x(&plot, 50000) - 110) < 1e-6);
    assert_true(fabs(tp_svg_x(&plot, sqrt(200.0 * 50000)) - 60) < 1e-6);
}

static void values_land_on_their_ticks(void **state) {
    (void)state;
    const tp_svg_plot plot = {
        60,   40, 500, 200, {"x", 0, 10, 2, false}, {"y", -1, 1, 1, false},
        false};
    assert_true(fabs(tp_svg_x(&plot, 5) - 310) < 1e-9);
    assert_true(fabs(tp_svg_y(&plot, 1) - 40) < 1e-9); /* the top */
    assert_true(fabs(tp_svg_y(&plot, -1) - 240) < 1e-9);
    tp_arena arena = {0};
    tp_svg svg;
    tp_svg_begin(&svg, &arena, 600, 300, "t");
    tp_svg_frame(&svg, &plot);
    const char *text = tp_svg_end(&svg);
    assert_non_null(text);
    const char *const ticks[] = {">0<", ">2<", ">10<", ">-1<", ">1<"};
    for (size_t i = 0; i < sizeof ticks / sizeof ticks[0]; i++) {
        assert_non_null(strstr(text, ticks[i]));
    }
    assert_null(strstr(text, ">12<"));
    assert_null(strstr(text, ">1.2<"));
    tp_arena_free(&arena);
}

static void text_is_escaped(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_svg svg;
    tp_svg_begin(&svg, &arena, 10, 10, "a<b & \"c\"\n");
    tp_svg_text(&svg, "text", (double[]){1, 2}, "<script>");
    tp_svg_dot(&svg, "dot s0", (double[]){1, 2}, 3, "x > y");
    const char *text = tp_svg_end(&svg);
    assert_non_null(text);
    assert_non_null(strstr(text, "a&#60;b &#38; &#34;c&#34;</title>"));
    assert_null(strstr(text, "<script>"));
    assert_non_null(strstr(text, "<title>x &#62; y</title></circle>"));
    tp_arena_free(&arena);
}

static void paths_have_their_points(void **state) {
    (void)state;
    tp_arena arena = {0};
    tp_svg svg;
    tp_svg_begin(&svg, &arena, 10, 10, "t");
    tp_svg_open_path(&svg, "line s1");
    for (int i = 0; i < 20; i++) {
        tp_svg_point(&svg, i, 2.0 * i);
    }
    tp_svg_close_path(&svg);
    const char *text = tp_svg_end(&svg);
    const char *path = strstr(text, "<polyline");
    int commas = 0;
    for (const char *p = path; *p != '/'; p++) {
        commas += *p == ',';
    }
    assert_int_equal(commas, 20);
    assert_non_null(strstr(path, "19.0,38.0\"/>"));
    assert_string_equal(text + strlen(text) - 7, "</svg>\n");
    tp_arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes_are_round),
        cmocka_unit_test(logarithmic_axes),
        cmocka_unit_test(values_land_on_their_ticks),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(paths_have_their_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
