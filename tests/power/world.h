/* What a store should hold after the steps of a story, and whether it does. */
#ifndef TP_TESTS_POWER_WORLD_H
#define TP_TESTS_POWER_WORLD_H

#include "tests/power/nor.h"
#include "tinypeft/store.h"

#define KEYS 3u /* adapters 1, 2, 3 */
#define MOST_STEPS 12

typedef enum verb {
    END,
    SAVE,   /* a new generation of an adapter */
    STREAM, /* the same in parts, as a delta arrives */
    TRIAL,  /* the newest generation is on trial */
    ACCEPT, /* it is in use, and the floor rises */
    BACK,   /* the generation before is in use */
    DELETE,
    FORMAT,
    REBOOT
} verb;

typedef struct step {
    verb verb;
    uint32_t id;
} step;

typedef struct story {
    const char *name;
    uint32_t slots;
    step step[MOST_STEPS];
} story;

/* A generation: its number and what was saved; version 0: none. */
typedef struct generation {
    uint32_t number, version;
} generation;

typedef struct world {
    generation key[KEYS][2]; /* the newest, and the one before */
    tp_choice choice;
    uint32_t versions; /* that have been made */
} world;

#define SECTORS 2u /* of a slot */
#define SECTOR_BYTES 192u

/* Takes a step, in the store and in the world. */
tp_status world_step(world *w, tp_store *store, step s);
/* Only in the world. */
void world_imagine(world *w, step s);

/* What a mounted store shows. NULL, or what is wrong with it: bytes that were
 * never saved. */
const char *world_look(const tp_store *store, world *seen);

/* NULL, or how `seen` is neither the world before a step nor the one after. */
const char *world_judge(const world *before, step s, const world *seen);

/* True if both show the same. */
bool world_same(const world *a, const world *b);

#endif
