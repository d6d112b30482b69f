/* Kernels of `dsp` against `ref`: here the twins in C, on boards the assembly
 * (tests/qemu/dsp/kernels.c). Link of the chain: ISA kernels, bit-exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dsp_cases.h"

static void same_as_ref(void **state) {
    static dsp_memory memory;
    (void)state;
    for (int i = 0; i < DSP_CASES; i++) {
        const int failed = dsp_run(&memory, &dsp_cases[i], 1500);
        print_message("%s: %d of 1500 differ\n", dsp_cases[i].name, failed);
        assert_int_equal(failed, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_ref)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
