/* The store loses its power on a board: what it shows afterwards is what the
 * host has seen (tests/power). */
#include "ports/qemu/semihost.h"
#include "tests/power/cuts.h"

static void report(const trial *t, const char *violation) {
    (void)t;
    tp_qemu_print(violation);
    tp_qemu_print("\n");
}

int main(void) {
    static trial t = {.report = report};
    uint32_t cuts = 0;
    const uint32_t crc = power_replay(&t, &cuts);
    if (crc != POWER_REPLAY_CRC || cuts != POWER_REPLAY_CUTS) {
        tp_qemu_print("power: failed: other states than on the host\n");
        return 1;
    }
    tp_qemu_print("power: 3,246 cuts, the same states as on the host\n");
    return t.violations > 0;
}
