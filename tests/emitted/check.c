/* Runs every emitted model of models.inc and compares it with the interpreter's
 * digest. For the host and, with the QEMU port, for the boards. */
#include "tests/emitted/drive.h"

#if defined(__arm__) || defined(__riscv)
#include "ports/qemu/semihost.h"
static void say(const char *name, const char *what) {
    tp_qemu_print(name);
    tp_qemu_print(what);
}
#else
#include <stdio.h>
static void say(const char *name, const char *what) {
    printf("%s%s", name, what);
}
#endif

#define MODEL(name, seed, before, adapter, after)                              \
    extern const tp_model name##_model;
#include "models.inc"
#undef MODEL

static const struct entry {
    const tp_model *model;
    uint32_t seed;
    drive_digest expected;
} entries[] = {
#define MODEL(name, seed, before, adapter, after)                              \
    {&name##_model, seed, {before, adapter, after}},
#include "models.inc"
#undef MODEL
};
enum { ENTRIES = sizeof entries / sizeof *entries };

static union {
    uint64_t align;
    uint8_t bytes[1 << 19];
} memory;

static uint32_t up(uint32_t n) {
    return (n + TP_ALIGN - 1) / TP_ALIGN * TP_ALIGN;
}

int main(void) {
    int wrong = 0;
    for (int i = 0; i < ENTRIES; i++) {
        const tp_model *m = entries[i].model;
        const drive_digest *want = &entries[i].expected;
        const uint32_t adapter = up(m->arena_bytes);
        const uint32_t train = adapter + up(m->adapter_bytes);
        if (train + m->train_bytes > sizeof memory.bytes ||
            m->x_bytes > DRIVE_MOST_IO || m->y_bytes > DRIVE_MOST_IO ||
            m->sample_bytes > DRIVE_MOST_KEPT) {
            say(m->name, ": too large for this test\n");
            wrong++;
            continue;
        }
        tp_ctx ctx = {.model = m,
                      .arena = memory.bytes,
                      .adapter = memory.bytes + adapter,
                      .train = memory.bytes + train};
        uint8_t *region = memory.bytes;
        for (int r = 0; r < TP_MAX_REGIONS; r++) {
            ctx.region[r] = region;
            region += m->region[r];
        }
        memset(memory.bytes, 0xA5, sizeof memory.bytes);
        const drive_digest got = drive(&ctx, entries[i].seed);
        if (memcmp(&got, want, sizeof got) != 0) {
            say(m->name, got.before != want->before
                             ? ": outputs differ before training\n"
                         : got.adapter != want->adapter
                             ? ": adapters differ after training\n"
                             : ": outputs differ after training\n");
            wrong++;
        }
    }
    say("", wrong == 0 ? "all models equal the interpreter\n" : "");
#if defined(__arm__) || defined(__riscv)
    tp_qemu_exit(wrong != 0);
#else
    return wrong != 0;
#endif
}
