/* The store loses its power at every operation on its flash, then at every pair
 * of them; every bit rots, drivers lie, sectors die. Host build of the store
 * that ships, over a NOR model (nor.h).
 *
 *   power [--short] [--first] [--part=I/N]
 *
 * Prints what was tried and the first violations; exits 1 if there was one,
 * with
 * --first at once. In one sentence: after a mount, each key shows its last save
 * that was reported or the one that was cut, and every later mount shows the
 * same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "tests/power/cuts.h"

typedef struct count {
    unsigned long single, twice, rot, bursts, faults, dead;
} count;

static trial now, then;
static count total;
static bool stop; /* at the first violation */

static void report(const trial *t, const char *violation) {
    if (t->violations <= 10) {
        printf("VIOLATION: %s, granule %u%s, %s at %u (%d), then %u (%d): %s\n",
               t->tale->name, (unsigned)t->flash.granule,
               t->flash.ecc ? " with ECC" : "", t->what, (unsigned)t->first.at,
               t->first.how, (unsigned)t->second.at, t->second.how, violation);
    }
    if (stop) {
        exit(1);
    }
}

/* --- cuts ----------------------------------------------------------------- */

static void singles(uint32_t granule, bool ecc, uint32_t seeds) {
    world seen;
    const uint32_t ops = power_operations(&now, granule, ecc);
    for (uint32_t cut = 1; cut <= ops; cut++) {
        for (int tear = NOR_NOTHING; tear < NOR_TEARS; tear++) {
            for (now.seed = 0; now.seed < seeds; now.seed++) {
                power_single(&now, granule, ecc, (event){cut, tear}, &seen);
                total.single++;
            }
        }
    }
    now.seed = 0;
}

/* Mounts after a cut, looks, and saves. */
static void recovery(trial *t) {
    world seen;
    if (!power_mount(t, &seen)) {
        return;
    }
    const char *what = world_judge(&t->now, t->tale->step[t->step], &seen);
    if (what != NULL) {
        power_violation(t, what);
    }
    t->now = seen;
    t->now.versions = then.now.versions + 50;
    t->step = MOST_STEPS - 1; /* with_save() */
    if (world_step(&t->now, &t->store, t->tale->step[t->step]) != TP_OK) {
        power_violation(t, "a save after the recovery failed");
    }
}

/* A second cut at each operation of a recovery, until it has no more. */
static void pairs_after(uint32_t cut) {
    static world seen; /* lives across longjmp(), as the next does */
    static uint32_t second;
    then = now;
    for (second = 1;; second++) {
        now.flash = then.flash;
        now.now = then.now;
        now.step = then.step;
        now.second = (event){second, (int)((second + cut) % NOR_TEARS)};
        now.flash.ops = 0;
        now.flash.cut_at = second;
        now.flash.tear = (nor_tear)now.second.how;
        if (setjmp(nor_power) == 0) {
            recovery(&now);
            now.second.at = 0;
            return;
        }
        now.flash.cut_at = 0;
        power_recover(&now, &seen);
        total.twice++;
    }
}

static void pairs(uint32_t granule, bool ecc, uint32_t stride) {
    const uint32_t ops = power_operations(&now, granule, ecc);
    for (uint32_t cut = 1; cut <= ops; cut += stride) {
        /* Three of the six ways, the others at the next operation. */
        for (int tear = (int)(cut % 2); tear < NOR_TEARS; tear += 2) {
            power_fresh(&now, granule, ecc);
            if (power_run_cut(&now, (event){cut, tear})) {
                pairs_after(cut);
            }
        }
    }
}

/* --- rot ------------------------------------------------------------------ */

/* After damage that no power cut did: nothing that was not saved is shown; of a
 * key, one of its last two generations is. */
static void after_damage(void) {
    world seen;
    if (!power_mount(&now, &seen)) {
        return;
    }
    for (uint32_t i = 0; i < KEYS; i++) {
        const generation *key = now.now.key[i];
        const uint32_t v = seen.key[i][0].version;
        if (key[1].version != 0 && v != key[0].version && v != key[1].version) {
            power_violation(&now, "an adapter with two generations is lost");
        }
    }
    if (seen.choice.floor < now.now.choice.floor) {
        power_violation(&now, "the floor has fallen");
    }
}

static void whole_story(uint32_t granule, bool ecc) {
    power_fresh(&now, granule, ecc);
    if (power_run(&now) != TP_OK) {
        power_violation(&now, "a step failed without any fault");
    }
    then = now;
}

static void damage(const char *what, uint32_t at) {
    now.flash = then.flash;
    now.what = what;
    now.first = (event){at, 0};
}

static void bits(uint32_t n, uint32_t stride) {
    for (uint32_t bit = 0; bit < n; bit += stride) {
        damage("bit flipped", bit);
        now.flash.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        after_damage();
        total.rot++;
    }
}

/* Of 2 to 8 bits. */
static void bursts(uint32_t n, uint32_t times) {
    uint32_t rng = tp_rng_seed(n);
    for (uint32_t i = 0; i < times; i++) {
        const uint32_t first = tp_rng_next(&rng) % (n - 8);
        const uint32_t mask = 0x81u | tp_rng_next(&rng) >> 24;
        damage("burst", first);
        for (uint32_t b = 0; b < 8; b++) {
            now.flash.bytes[(first + b) / 8] ^=
                (uint8_t)((mask >> b & 1u) << (first + b) % 8);
        }
        after_damage();
        total.bursts++;
    }
}

static void rot(uint32_t granule, uint32_t times, uint32_t stride) {
    whole_story(granule, true);
    const uint32_t bytes = now.flash.sector_bytes * now.flash.n_sectors;
    bits(8 * bytes, stride);
    bursts(8 * bytes, times);
    for (uint32_t g = 0; g < bytes / granule; g++) {
        damage("granule unreadable", g);
        now.flash.dead[g] = 1;
        after_damage();
        total.dead++;
    }
}

/* --- drivers and sectors -------------------------------------------------- */

static void faults(uint32_t granule, bool ecc) {
    world seen;
    const uint32_t ops = power_operations(&now, granule, ecc);
    for (uint32_t op = 1; op <= ops; op++) {
        for (int f = NOR_REFUSES; f < NOR_FAULTS; f++) {
            now.what = "driver fault";
            now.first = (event){op, f};
            power_fresh(&now, granule, ecc);
            now.flash.fault_at = op;
            now.flash.fault = (nor_fault)f;
            (void)power_run(&now); /* to the end, or to the step it failed */
            now.flash.fault_at = 0;
            power_recover(&now, &seen);
            total.faults++;
        }
    }
}

/* A sector erases no more: saves go elsewhere. */
static void stuck(uint32_t granule) {
    world seen;
    const story *tale = now.tale;
    story roomy = *tale;
    roomy.slots += 2;
    now.tale = &roomy;
    for (uint32_t sector = 0; sector < SECTORS * roomy.slots; sector++) {
        whole_story(granule, true);
        damage("sector stuck", sector);
        now.flash.stuck = UINT32_C(1) << sector;
        power_recover(&now, &seen);
        total.dead++;
    }
    now.tale = tale;
}

/* --- wear ----------------------------------------------------------------- */

static uint32_t spread(void) {
    uint32_t least = UINT32_MAX;
    uint32_t most = 0;
    for (uint32_t i = 0; i < now.flash.n_sectors; i++) {
        const uint32_t e = now.flash.erases[i];
        least = e < least ? e : least;
        most = e > most ? e : most;
    }
    return most - least;
}

static void wear(uint32_t saves) {
    static const story wearing = {
        "wear", 8, {{SAVE, 1}, {SAVE, 2}, {ACCEPT, 1}, {SAVE, 3}}};
    now.tale = &wearing;
    whole_story(8, true);
    for (uint32_t i = 0; i < saves; i++) {
        now.first = (event){i, 0};
        if (world_step(&now.now, &now.store, (step){SAVE, 1}) != TP_OK) {
            power_violation(&now, "a save failed");
            break;
        }
        if (spread() > 2) {
            power_violation(&now, "wear is not spread");
            break;
        }
    }
    printf("wear: %u saves over 8 slots, two adapters and the choice at rest: "
           "spread %u erases\n",
           (unsigned)saves, (unsigned)spread());
}

/* --- all ------------------------------------------------------------------ */

static void replay(void) {
    uint32_t cuts = 0;
    const uint32_t crc = power_replay(&now, &cuts);
    printf("replay: %u cuts, CRC %08X\n", (unsigned)cuts, (unsigned)crc);
    if (crc != POWER_REPLAY_CRC || cuts != POWER_REPLAY_CUTS) {
        power_violation(&now, "the replay is not what the boards expect");
    }
}

/* The last step of every story: what a recovery saves. */
static story with_save(const story *s) {
    story copy = *s;
    copy.step[MOST_STEPS - 1] = (step){SAVE, 1};
    return copy;
}

static void one(uint32_t granule, bool ecc, bool brief) {
    singles(granule, ecc, brief ? 1 : 2);
    if (granule == 8 || granule == 16) {
        pairs(granule, ecc, brief ? 19 : 1);
    }
    faults(granule, ecc);
    if (granule == 8 && ecc) {
        rot(granule, brief ? 500 : 12500, brief ? 7 : 1);
        stuck(granule);
    }
}

static void everything(bool brief, unsigned part, unsigned parts) {
    static const uint32_t granules[] = {1, 4, 8, 16, 32};
    static story tale;
    unsigned turn = 0;
    for (int i = 0; i < STORIES * 10; i++) {
        const uint32_t granule = granules[i % 5];
        tale = with_save(&power_stories[i / 10]);
        now.tale = &tale;
        if (turn++ % parts == part && (!brief || granule == 8)) {
            one(granule, i / 5 % 2 != 0, brief);
        }
    }
    if (part == 0) {
        wear(brief ? 3000 : 100000);
        replay();
    }
}

int main(int argc, char **argv) {
    bool brief = false;
    unsigned part = 0;
    unsigned parts = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--short") == 0) {
            brief = true;
        } else if (strcmp(argv[i], "--first") == 0) {
            stop = true;
        } else if (strncmp(argv[i], "--part=", 7) != 0 ||
                   sscanf(argv[i] + 7, "%u/%u", &part, &parts) != 2 ||
                   parts == 0) {
            fprintf(stderr, "power [--short] [--first] [--part=I/N]\n");
            return 2;
        }
    }
    now.report = report;
    everything(brief, part, parts);
    printf("cuts %lu single %lu double; rot %lu bits %lu bursts; "
           "%lu driver faults; %lu dead granules and sectors; "
           "%lu violations\n",
           total.single, total.twice, total.rot, total.bursts, total.faults,
           total.dead, now.violations);
    return now.violations != 0;
}
