/* One story over one flash that loses its power, and whether what is there
 * afterwards is right. Without I/O: boards run it too. */
#ifndef TP_TESTS_POWER_CUTS_H
#define TP_TESTS_POWER_CUTS_H

#include "tests/power/world.h"

#define STORIES 11

extern const story power_stories[STORIES];

/* An operation that goes wrong, and how: a nor_tear or a nor_fault. */
typedef struct event {
    uint32_t at;
    int how;
} event;

/* What is being tried. Not on the stack: it lives across longjmp(). */
typedef struct trial {
    const story *tale;
    const char *what; /* happens */
    event first, second;
    uint32_t seed; /* of what is random in it */
    nor flash;
    tp_flash port;
    tp_store store;
    world now; /* as reported */
    int step;  /* that is being taken */
    unsigned long violations;
    void (*report)(const struct trial *t, const char *violation); /* or NULL */
} trial;

void power_violation(trial *t, const char *what);

/* A new flash for the story. */
void power_fresh(trial *t, uint32_t granule, bool ecc);
/* Mounts, and takes the steps that are left. */
tp_status power_run(trial *t);
/* The same with a cut; operations count from here. True: the power went. */
bool power_run_cut(trial *t, event cut);
/* Operations of the whole story, without a cut. */
uint32_t power_operations(trial *t, uint32_t granule, bool ecc);

/* Mounts and looks. False: a violation. */
bool power_mount(trial *t, world *seen);
/* The power is back: what is shown is right, stays so, and N + 2 saves go
 * well. Looks at the flash's rules too. */
void power_recover(trial *t, world *seen);

/* One cut, and all of that. */
void power_single(trial *t, uint32_t granule, bool ecc, event cut, world *seen);

/* All cuts of all stories, each torn in one way: a CRC-32 over what is seen
 * after each, the same on every machine. */
uint32_t power_replay(trial *t, uint32_t *cuts);

#define POWER_REPLAY_CRC 0x97495554u
#define POWER_REPLAY_CUTS 3246u

#endif
