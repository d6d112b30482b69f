/* A store in the board's flash, over two lives of the emulator.
 *
 *   flash.elf FILE        saves a record and reports what was there before
 */
#include <string.h>

#include "ports/qemu/nor.h"
#include "ports/qemu/semihost.h"
#include "tinypeft/store.h"

enum { SECTOR = 1024, SECTORS = 8, KEY = 7 };

static uint8_t cells[SECTOR * SECTORS];

static int fail(const char *why) {
    tp_qemu_print("flash: failed: ");
    tp_qemu_print(why);
    tp_qemu_print("\n");
    return 1;
}

/* One more than what the store has, which is `lives` then. */
static tp_status count(tp_store *store, uint32_t *lives) {
    tp_record record = {.kind = TP_RECORD_TRAINING, .id = KEY};
    *lives = 0;
    tp_status status =
        tp_store_find(store, TP_RECORD_TRAINING, KEY, 0, &record);
    if (status == TP_OK) {
        status = tp_store_load(store, &record, lives);
    }
    if (status != TP_OK && status != TP_ERR_NOT_FOUND) {
        return status;
    }
    ++*lives;
    record.bytes = sizeof *lives;
    return tp_store_save(store, &record, lives);
}

int main(int argc, char **argv) {
    tp_qemu_nor nor;
    tp_flash flash = {
        .sector_bytes = SECTOR, .n_sectors = SECTORS, .granule = 8};
    tp_store store;
    uint32_t lives = 0;
    if (argc != 2) {
        return fail("usage: flash.elf FILE");
    }
    if (tp_qemu_nor_open(&nor, argv[1], cells, &flash) != TP_OK) {
        return fail("the file cannot be opened");
    }
    if (tp_store_mount(&store, &flash, 1) != TP_OK ||
        count(&store, &lives) != TP_OK) {
        return fail("the store");
    }
    tp_qemu_print("lives ");
    tp_qemu_print_number(lives);
    tp_qemu_print("\n");
    return 0;
}
