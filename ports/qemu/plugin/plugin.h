/* The interface of plugins of QEMU's code generator, as far as it is used here.
 * It is declared because distributions do not ship its header. It is version 1,
 * of QEMU 6 to 8; a later QEMU that refuses it says which it wants, for
 * TP_QEMU_PLUGIN_VERSION. Source: QEMU 7.2, docs/devel/tcg-plugins.rst. */
#ifndef TP_PORTS_QEMU_PLUGIN_H
#define TP_PORTS_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifndef TP_QEMU_PLUGIN_VERSION
#define TP_QEMU_PLUGIN_VERSION 1
#endif

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

typedef void (*translated)(uint64_t id, struct qemu_plugin_tb *tb);
typedef void (*executed)(unsigned int vcpu, void *data);
typedef void (*finished)(uint64_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, translated f);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, executed f,
                                          int registers, void *data);
void qemu_plugin_register_atexit_cb(uint64_t id, finished f, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))

EXPORT extern int qemu_plugin_version; /* each plugin defines it */
EXPORT int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info,
                               int argc, char **argv);

#endif
