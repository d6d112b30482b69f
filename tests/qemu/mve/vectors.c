/* ADD, SUB and MUL in Helium on a board that has it, against `ref` on the same
 * board, at the ends of all ranges. Convolutions are compared there as emitted
 * C (tests/emitted). */
#include "ports/qemu/semihost.h"
#include "tests/unit/dsp_cases.h"

static bool add(dsp_memory *m) {
    return dsp_add_by(m, tp_add_s8_fwd_mve);
}

static bool mul(dsp_memory *m) {
    return dsp_mul_by(m, tp_mul_s8_fwd_mve);
}

int main(void) {
    static dsp_memory memory;
    static const dsp_case cases[] = {{"add_s8_fwd", add}, {"mul_s8_fwd", mul}};
    int all = 0;
    for (int i = 0; i < 2; i++) {
        const int failed = dsp_run(&memory, &cases[i], 300);
        tp_qemu_print(cases[i].name);
        tp_qemu_print(failed == 0 ? ": 300 as ref\n" : ": differs\n");
        all += failed;
    }
    return all > 0;
}
