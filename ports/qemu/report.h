/* What a demo's firmware tells the host: lines "word number...". */
#ifndef TP_PORTS_QEMU_REPORT_H
#define TP_PORTS_QEMU_REPORT_H

#include <stdint.h>

/* word [in] without a space; numbers [in] uint32 [n], in decimal. */
void tp_qemu_report(const char *word, const uint32_t *numbers, int n);

/* "error WHY", and QEMU ends with exit code 1. */
_Noreturn void tp_qemu_fail(const char *why);

#endif
