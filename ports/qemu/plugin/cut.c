/* A plugin of QEMU's code generator that cuts the board's power: the emulator
 * kills itself, as by kill -9, before the block of code that holds instruction
 * AT. The program under test knows nothing of it.
 *
 *   qemu-system-arm -plugin libtp_cut.so,at=AT ...
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/qemu/plugin/plugin.h"

int qemu_plugin_version = TP_QEMU_PLUGIN_VERSION;

static uint64_t left; /* instructions until the cut */

static void on_execution(unsigned int vcpu, void *data) {
    const uint64_t n = (uintptr_t)data;
    (void)vcpu;
    if (left < n) {
        (void)raise(SIGKILL);
    }
    left -= n;
}

static void on_translation(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_cb(
        tb, on_execution, 0, (void *)(uintptr_t)qemu_plugin_tb_n_insns(tb));
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc,
                        char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "at=", 3) == 0) {
            left = strtoull(argv[i] + 3, NULL, 10);
        }
    }
    if (left == 0) {
        fprintf(stderr, "tp_cut: at=INSTRUCTION is missing\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
