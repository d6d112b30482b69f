/* What it takes to go over to another adapter between two inferences: of two
 * that are in RAM, a pointer; from flash, a record that is found and loaded.
 *
 *   swap.elf FILE
 */
#include <stdbool.h>
#include <string.h>

#include "ports/qemu/measure.h"
#include "ports/qemu/nor.h"
#include "ports/qemu/semihost.h"
#include "tests/golden/tiny_mlp.h"
#include "tinypeft/adapter.h"
#include "tinypeft/store.h"

enum { SECTOR = 4096, SECTORS = 8, ID = 1 };
enum { KWS_BLOB = 2792 }; /* bytes of a real adapter's blob */
enum { SWAPS = 1000, MOST_INSTRUCTIONS = 1000 };

static uint8_t cells[SECTOR * SECTORS];
static uint8_t blob[KWS_BLOB];
static uint8_t loaded[KWS_BLOB];
static const int8_t x[TINY_MLP_X_BYTES] = {90, -70, 50, -30, 110, -100};

static int fail(const char *why) {
    tp_qemu_print("swap: failed: ");
    tp_qemu_print(why);
    tp_qemu_print("\n");
    return 1;
}

static void tell(const char *what, uint64_t n) {
    tp_qemu_print("swap: instructions ");
    tp_qemu_print(what);
    tp_qemu_print_number(n);
    tp_qemu_print("\n");
}

/* Instructions of SWAPS inferences in one context. With `swap` each has the
 * adapter that the last one did not have, else all have the one that is there.
 *   y  [out] the last two answers */
static uint64_t infer(tp_ctx *c, uint8_t *const adapter[2], bool swap,
                      int8_t y[2][TINY_MLP_Y_BYTES]) {
    const uint64_t before = tp_qemu_instructions();
    for (uint32_t i = 0; i < SWAPS; i++) {
        if (swap) {
            c->adapter = adapter[i % 2];
        }
        c->model->infer(c, x, y[i % 2]);
    }
    return tp_qemu_instructions() - before;
}

/* Two adapters; the second is the first with other bits in every fourth byte.
 */
static void prepare(tp_ctx *c, uint8_t *const adapter[2]) {
    for (int i = 0; i < 2; i++) {
        c->adapter = adapter[i];
        tp_adapter_init(c, 1);
    }
    for (uint32_t k = 0; k < TINY_MLP_ADAPTER_BYTES; k += 4) {
        adapter[1][k] ^= 5u;
    }
}

static int resident(void) {
    static tiny_mlp_memory memory[2];
    uint8_t *const adapter[2] = {memory[0].adapter, memory[1].adapter};
    tp_ctx c = tiny_mlp_open(&memory[0]);
    int8_t alone[2][2][TINY_MLP_Y_BYTES];
    int8_t y[2][TINY_MLP_Y_BYTES];
    uint64_t without = 0; /* of both adapters: twice SWAPS */
    prepare(&c, adapter);
    for (int i = 0; i < 2; i++) {
        c.adapter = adapter[i];
        without += infer(&c, adapter, false, alone[i]);
    }
    const uint64_t with = infer(&c, adapter, true, y);
    if (memcmp(alone[0][0], alone[1][0], sizeof y[0]) == 0) {
        return fail("both adapters answer the same");
    }
    if (memcmp(y[0], alone[0][0], sizeof y[0]) != 0 ||
        memcmp(y[1], alone[1][0], sizeof y[1]) != 0) {
        return fail("an answer of the other adapter");
    }
    if (2 * with <= without) {
        return fail("swapping costs nothing, so it was not measured");
    }
    const uint64_t each = (2 * with - without + 2 * SWAPS - 1) / (2 * SWAPS);
    tell("of two in RAM ", each);
    return each > MOST_INSTRUCTIONS ? fail("it takes too many") : 0;
}

static int from_flash(const char *path) {
    tp_qemu_nor nor;
    tp_store store;
    tp_flash flash = {
        .sector_bytes = SECTOR, .n_sectors = SECTORS, .granule = 8};
    tp_record record = {.kind = TP_RECORD_ADAPTER, .id = ID, .bytes = KWS_BLOB};
    for (uint32_t i = 0; i < KWS_BLOB; i++) {
        blob[i] = (uint8_t)(i * 37);
    }
    if (tp_qemu_nor_open(&nor, path, cells, &flash) != TP_OK ||
        tp_store_mount(&store, &flash, 1) != TP_OK ||
        tp_store_save(&store, &record, blob) != TP_OK ||
        tp_store_choose(&store, &(tp_choice){.active = ID,
                                             .active_generation =
                                                 record.generation}) != TP_OK) {
        return fail("the store");
    }
    const uint64_t before = tp_qemu_instructions();
    const bool right = tp_store_chosen(&store, false, &record) == TP_OK &&
                       tp_store_load(&store, &record, loaded) == TP_OK;
    tell("of 2,792 bytes from flash ", tp_qemu_instructions() - before);
    return right && memcmp(blob, loaded, sizeof blob) == 0
               ? 0
               : fail("other bytes than were saved");
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return fail("usage: swap.elf FILE");
    }
    const int failed = resident();
    return failed != 0 ? failed : from_flash(argv[1]);
}
