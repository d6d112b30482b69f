/* What a device would hear, receive and show: files and text of the host. */
#include "examples/life/firmware/life.h"

#include "ports/qemu/report.h"
#include "ports/qemu/semihost.h"

static int32_t clips = -1;

void life_listen(const char *path) {
    clips = tp_qemu_open(path, TP_QEMU_READ);
    if (clips < 0) {
        tp_qemu_fail("the clips cannot be opened");
    }
}

bool life_hear(uint32_t i, life_clip *clip) {
    return tp_qemu_seek(clips, i * (uint32_t)sizeof *clip) == 0 &&
           tp_qemu_read(clips, clip, sizeof *clip) == (int32_t)sizeof *clip;
}

uint32_t life_receive(const char *path, uint32_t at, void *bytes, uint32_t n) {
    const int32_t file = tp_qemu_open(path, TP_QEMU_READ);
    if (file < 0 || tp_qemu_seek(file, at) != 0) {
        tp_qemu_fail("a file cannot be read");
    }
    const int32_t got = tp_qemu_read(file, bytes, n);
    if (got < 0 || tp_qemu_close(file) != 0) {
        tp_qemu_fail("a file cannot be read");
    }
    return (uint32_t)got;
}

void life_write(const char *path, const void *bytes, uint32_t n) {
    const int32_t file = tp_qemu_open(path, TP_QEMU_WRITE);
    if (file < 0 || tp_qemu_write(file, bytes, n) != 0 ||
        tp_qemu_close(file) != 0) {
        tp_qemu_fail("a file cannot be written");
    }
}

static uint32_t used_uj(void) {
    const tp_governor *g = &life.governor;
    return g->config.day_uj - (uint32_t)(g->left_pj / 1000000u);
}

void life_tell(const char *text, const uint32_t *numbers) {
    tp_qemu_print("clip ");
    tp_qemu_print_number(life.clip);
    tp_qemu_print(" uj ");
    tp_qemu_print_number(life.phase == LIFE_NEW ? 0 : used_uj());
    tp_qemu_print(" | ");
    for (; *text != '\0'; text++) {
        const char one[] = {*text, '\0'};
        if (*text == '#') {
            tp_qemu_print_number(*numbers++);
        } else {
            tp_qemu_print(one);
        }
    }
    tp_qemu_print("\n");
}
