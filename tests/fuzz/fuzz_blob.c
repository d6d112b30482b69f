/* Any bytes as the blob of a model with parameters and two lists: refused, and
 * the adapter is as it was; or taken, and written it is the same bytes, with
 * lists that stay below their limits. With the first byte odd the checksums are
 * put right, which chance would never find. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "tinypeft/adapter.h"

enum { ADAPTER = 64, BLOB = TP_BLOB_HEADER_BYTES + ADAPTER };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void demand(bool fact) {
    if (!fact) {
        abort();
    }
}

static const tp_index lists[] = {{"a", 5, 300, 0}, {"b", 9, 65536, 12}};

static const tp_model model = {.adapter_bytes = ADAPTER,
                               .layout_id = 77,
                               .base_sha256 = {1, 2, 3},
                               .n_indices = 2,
                               .indices = lists};

static void check_lists(const uint8_t *adapter) {
    for (uint32_t i = 0; i < model.n_indices; i++) {
        uint32_t least = 0;
        for (uint32_t k = 0; k < lists[i].count; k++) {
            const uint32_t v = tp_get_u16(adapter + lists[i].adapter + 2 * k);
            demand(v >= least && v < lists[i].limit);
            least = v + 1;
        }
    }
}

static void seal(uint8_t *blob, size_t n) {
    if (n >= TP_BLOB_HEADER_BYTES) {
        tp_put_u32(blob + 40, tp_crc32(0, blob + TP_BLOB_HEADER_BYTES,
                                       n - TP_BLOB_HEADER_BYTES));
        tp_put_u32(blob + 44, tp_crc32(0, blob, 44));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    uint8_t adapter[ADAPTER];
    uint8_t again[BLOB];
    const tp_ctx ctx = {.model = &model, .adapter = adapter};
    if (n == 0) {
        return 0;
    }
    uint8_t *blob = malloc(n); /* its end is the sanitizer's */
    demand(blob != NULL);
    memcpy(blob, data + 1, n - 1);
    if ((data[0] & 1) != 0) {
        seal(blob, n - 1);
    }
    memset(adapter, 0x5A, sizeof adapter);
    if (tp_blob_read(&ctx, blob, (uint32_t)(n - 1)) == TP_OK) {
        check_lists(adapter);
        demand(n - 1 == BLOB);
        demand(tp_blob_write(&ctx, again, sizeof again) == TP_OK);
        /* but for the reserved bytes, which are not interpreted */
        demand(memcmp(again, blob, 32) == 0);
        demand(memcmp(again + 48, blob + 48, ADAPTER) == 0);
    } else {
        for (size_t i = 0; i < sizeof adapter; i++) {
            demand(adapter[i] == 0x5A);
        }
    }
    free(blob);
    return 0;
}
