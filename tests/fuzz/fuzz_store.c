/* A store over any bytes: it mounts, shows records that are whole, and saves.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "runtime/store/slot.h"
#include "tests/power/nor.h"

enum { SECTOR = 256, SLOTS = 5 };

static void look(const tp_store *store) {
    static uint8_t payload[SECTOR];
    tp_record record;
    for (uint32_t kind = 0; kind < 5; kind++) {
        for (uint32_t id = 0; id < 3; id++) {
            if (tp_store_find(store, (uint16_t)kind, id, 0, &record) == TP_OK &&
                record.bytes > tp_store_capacity(store)) {
                abort();
            }
            if (tp_store_find(store, (uint16_t)kind, id, 1, &record) == TP_OK) {
                (void)tp_store_load(store, &record, payload);
            }
        }
    }
}

/* Checksums as they should be, which chance would never find: of the header,
 * and with bits of `how` of the payload and the commits. */
static void seal(const nor *n, uint32_t slot, uint8_t how) {
    const tp_flash flash = {.granule = n->granule, .sector_bytes = SECTOR};
    const tp_store store = {.flash = &flash, .sectors = 1, .slots = SLOTS};
    uint8_t *bytes = (uint8_t *)n->bytes + slot * SECTOR;
    tp_record record;
    memcpy(bytes, "TPPS\1", 6);
    tp_put_u32(bytes + 92, tp_crc32(0, bytes, 92));
    if (!tp_record_decode(bytes, &record) ||
        record.bytes > tp_store_capacity(&store)) {
        return;
    }
    if ((how & 1) != 0) {
        const uint8_t *payload = bytes + tp_slot_payload(&store);
        tp_put_u32(bytes + 80, tp_crc32(0, payload, record.bytes));
        tp_put_u32(bytes + 92, tp_crc32(0, bytes, 92));
        (void)tp_record_decode(bytes, &record);
    }
    for (uint32_t i = 0; i < TP_COMMITS; i++) {
        if ((how >> (1 + i) & 1) != 0) {
            tp_commit_encode(&record, i,
                             bytes + tp_slot_commit(&store, record.bytes, i));
        }
    }
}

/* One byte of `data` for the granule, one for each slot, then the image. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint32_t granules[] = {1, 4, 8, 16, 32};
    static nor n;
    tp_store store;
    if (size <= 1 + SLOTS) {
        return 0;
    }
    nor_init(&n, granules[data[0] % 5], true, SECTOR, SLOTS);
    const size_t most = SECTOR * SLOTS;
    const size_t image = size - 1 - SLOTS;
    memcpy(n.bytes, data + 1 + SLOTS, image < most ? image : most);
    for (uint32_t i = 0; i < SLOTS; i++) {
        if ((data[1 + i] & 8) != 0) {
            seal(&n, i, data[1 + i]);
        }
    }
    memset(n.written, 1, sizeof n.written);
    const tp_flash flash = nor_flash(&n);
    if (tp_store_mount(&store, &flash, 1) == TP_OK) {
        tp_record record = {.kind = TP_RECORD_ADAPTER, .id = 1, .bytes = 4};
        look(&store);
        (void)tp_store_save(&store, &record, "abc");
        look(&store);
    }
    if (n.broken != NULL) {
        abort();
    }
    return 0;
}
