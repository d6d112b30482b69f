/* State that outlives a loss of power, and the adapters in the store. */
#include "examples/life/firmware/life.h"

#include "ports/qemu/nor.h"
#include "ports/qemu/report.h"

/* A record has to fit a slot, and the store keeps two generations of each. */
enum { SECTOR = 4096, SLOT = 24, SECTORS = 12 * SLOT };

life_state life;
tp_store life_store;

static uint8_t cells[SECTOR * SECTORS];
static tp_qemu_nor nor;
static tp_flash flash = {.sector_bytes = SECTOR,
                         .n_sectors = SECTORS,
                         .granule = 32,
                         .erase_cycles = 10000};

_Static_assert(sizeof(life_state) <= SECTOR * (SLOT - 1), "fits a slot");

void life_open(const char *path) {
    tp_record record;
    if (tp_qemu_nor_open(&nor, path, cells, &flash) != TP_OK ||
        tp_store_mount(&life_store, &flash, SLOT) != TP_OK) {
        tp_qemu_fail("the flash cannot be mounted");
    }
    if (tp_store_find(&life_store, TP_RECORD_TRAINING, 1, 0, &record) ==
            TP_OK &&
        (record.bytes != sizeof life ||
         tp_store_load(&life_store, &record, &life) != TP_OK)) {
        tp_qemu_fail("the state in the flash is of another firmware");
    }
}

void life_checkpoint(void) {
    tp_record record = {
        .kind = TP_RECORD_TRAINING, .id = 1, .bytes = sizeof life};
    if (tp_store_save(&life_store, &record, &life) != TP_OK) {
        tp_qemu_fail("the state cannot be saved");
    }
}

void life_load(bool trial, uint8_t adapter[KWS_ADAPTER_BYTES]) {
    static uint8_t blob[LIFE_BLOB_BYTES];
    tp_record record;
    tp_ctx ctx = {.model = &kws_model, .adapter = adapter};
    if (tp_store_chosen(&life_store, trial, &record) != TP_OK ||
        record.bytes != sizeof blob ||
        tp_store_load(&life_store, &record, blob) != TP_OK ||
        tp_blob_read(&ctx, blob, sizeof blob) != TP_OK) {
        tp_qemu_fail("the adapter cannot be loaded");
    }
}
