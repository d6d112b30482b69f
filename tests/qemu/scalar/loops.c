/* The loops of the `scalar` kernels on a board: on Cortex-M0 in assembly
 * (tests/unit/test_scalar.c runs those in C). */
#include "ports/qemu/semihost.h"
#include "tests/unit/scalar_loops.h"

int main(void) {
    static scalar_loops memory;
    const int differ = scalar_loops_run(&memory, 400);
    tp_qemu_print(differ == 0 ? "loops: 400 rounds as one by one\n"
                              : "loops: differ\n");
    return differ > 0;
}
