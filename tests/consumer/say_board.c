#include "ports/qemu/semihost.h"

void say(const char *text);

void say(const char *text) {
    tp_qemu_print(text);
}
