/* Stores as power cuts leave them, and what a mount then shows of each: for the
 * second reader (formats.py), which is given the image before the mount.
 *
 *   store_images COUNT
 *
 * For each image a line GRANULE SLOT-BYTES HEX, a line for each record that is
 * shown, KIND ID BACK GENERATION LAYOUT HEX-OF-PAYLOAD, a line "choice" with
 * its six numbers, an empty line. */
#include <stdio.h>
#include <stdlib.h>

#include "core/rng.h"
#include "tests/power/cuts.h"

enum { MOST_PAYLOAD = 512 };

static void print_hex(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        printf("%02x", bytes[i]);
    }
    printf("\n");
}

static void print_record(const tp_store *store, uint32_t kind, uint32_t id,
                         uint32_t back) {
    uint8_t payload[MOST_PAYLOAD];
    tp_record r;
    if (tp_store_find(store, (uint16_t)kind, id, back, &r) != TP_OK) {
        return;
    }
    if (r.bytes > sizeof payload ||
        tp_store_load(store, &r, payload) != TP_OK) {
        (void)fprintf(stderr, "a record that cannot be loaded\n");
        exit(1);
    }
    printf("%u %u %u %u %u ", (unsigned)kind, (unsigned)id, (unsigned)back,
           (unsigned)r.generation, (unsigned)r.layout);
    print_hex(payload, r.bytes);
}

static void print_shown(const tp_store *store) {
    const tp_choice *c = &store->choice;
    for (uint32_t kind = 1; kind <= 4; kind++) {
        for (uint32_t id = 0; id <= KEYS; id++) {
            print_record(store, kind, id, 0);
            print_record(store, kind, id, 1);
        }
    }
    printf("choice %u %u %u %u %llu %llu\n\n", (unsigned)c->active,
           (unsigned)c->active_generation, (unsigned)c->trial,
           (unsigned)c->trial_generation, (unsigned long long)c->trial_seq,
           (unsigned long long)c->floor);
}

/* One story, cut at a random place in one of the ways that reads the same each
 * time, and without error correction: an image has no room for the others. */
static void one(uint32_t *rng) {
    static const uint32_t granules[] = {1, 4, 8, 16, 32};
    static const nor_tear tears[] = {NOR_NOTHING, NOR_PART, NOR_HIDDEN,
                                     NOR_COMPLETE};
    static trial t;
    const uint32_t granule = granules[tp_rng_below(rng, 5)];
    t.tale = &power_stories[tp_rng_below(rng, STORIES)];
    const uint32_t operations = power_operations(&t, granule, false);
    power_fresh(&t, granule, false);
    t.flash.rng = tp_rng_next(rng) | 1;
    (void)power_run_cut(&t, (event){1 + tp_rng_below(rng, operations),
                                    tears[tp_rng_below(rng, 4)]});
    printf("%u %u ", (unsigned)granule, (unsigned)(SECTORS * SECTOR_BYTES));
    print_hex(t.flash.bytes, (size_t)SECTORS * SECTOR_BYTES * t.tale->slots);
    if (tp_store_mount(&t.store, &t.port, SECTORS) != TP_OK) {
        (void)fprintf(stderr, "a store that cannot be mounted\n");
        exit(1);
    }
    print_shown(&t.store);
}

int main(int argc, char **argv) {
    uint32_t rng = tp_rng_seed(7);
    const long count = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    for (long i = 0; i < count; i++) {
        one(&rng);
    }
    return count > 0 && fflush(stdout) == 0 ? 0 : 1;
}
