/* The assembly of the `dsp` kernels on a board that has the instructions,
 * against `ref` on the same board (tests/unit/test_dsp.c). */
#include "ports/qemu/semihost.h"
#include "tests/unit/dsp_cases.h"

int main(void) {
    static dsp_memory memory;
    int all = 0;
    for (int i = 0; i < DSP_CASES; i++) {
        const int failed = dsp_run(&memory, &dsp_cases[i], 150);
        tp_qemu_print(dsp_cases[i].name);
        tp_qemu_print(failed == 0 ? ": 150 as ref\n" : ": differs\n");
        all += failed;
    }
    return all > 0;
}
