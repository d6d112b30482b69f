#include "tests/power/nor.h"

#include <string.h>

#include "core/rng.h"

jmp_buf nor_power;

void nor_init(nor *n, uint32_t granule, bool ecc, uint32_t sector_bytes,
              uint32_t n_sectors) {
    memset(n, 0, sizeof *n);
    memset(n->bytes, 0xFF, sizeof n->bytes);
    n->granule = granule;
    n->ecc = ecc;
    n->sector_bytes = sector_bytes;
    n->n_sectors = n_sectors;
    n->rng = tp_rng_seed(1);
}

static uint8_t any(nor *n) {
    return (uint8_t)(tp_rng_next(&n->rng) >> 24);
}

static tp_status read(void *ctx, uint32_t at, void *bytes, uint32_t count) {
    nor *n = ctx;
    uint8_t *to = bytes;
    if (at + count > n->sector_bytes * n->n_sectors) {
        n->broken = "reads outside";
        return TP_ERR_IO;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t g = (at + i) / n->granule;
        if (n->dead[g]) {
            return TP_ERR_IO;
        }
        const uint8_t mask = n->unstable[at + i];
        if (n->ecc && mask != 0 && any(n) < 8) {
            return TP_ERR_IO;
        }
        to[i] = (uint8_t)(n->bytes[at + i] ^
                          (mask != 0 ? (uint8_t)(mask & any(n)) : 0));
    }
    return TP_OK;
}

/* Bits that read at random: all that were to change, or one only, while the
 * others are still old, or already new. */
static void unsettle(nor *n, uint32_t at, const uint8_t *to, uint32_t count) {
    const uint32_t way = tp_rng_next(&n->rng) % 3;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t change = (uint8_t)(n->bytes[at + i] ^ to[i]);
        if (way == 0) {
            n->unstable[at + i] |= change;
        } else if (way == 1) {
            n->bytes[at + i] = to[i];
        }
    }
    if (way != 0) {
        const uint32_t i = tp_rng_next(&n->rng) % count;
        n->unstable[at + i] |= (uint8_t)(1u << tp_rng_next(&n->rng) % 8);
    }
}

/* What an operation leaves in `count` bytes that were to become `to`. */
static void leave(nor *n, uint32_t at, const uint8_t *to, uint32_t count,
                  nor_tear tear) {
    if (tear == NOR_UNSTABLE) {
        unsettle(n, at, to, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t change = (uint8_t)(n->bytes[at + i] ^ to[i]);
        if (tear == NOR_COMPLETE) {
            n->bytes[at + i] = to[i];
            n->unstable[at + i] = 0;
        } else if (tear == NOR_PART || tear == NOR_DEAD) {
            n->bytes[at + i] ^= (uint8_t)(change & any(n));
        }
    }
}

static void put(nor *n, uint32_t at, const uint8_t *bytes, nor_tear tear) {
    const uint32_t g = at / n->granule;
    uint8_t to[TP_MAX_GRANULE];
    if (tear == NOR_NOTHING) {
        return;
    }
    for (uint32_t i = 0; i < n->granule; i++) {
        to[i] = n->bytes[at + i] & bytes[i];
    }
    leave(n, at, to, n->granule, tear);
    n->written[g] = 1;
    if (tear == NOR_DEAD) {
        n->dead[g] = n->ecc;
    }
    if (n->weak[g]) {
        memset(n->unstable + at, 0xFF, n->granule);
    }
}

static void erase_granule(nor *n, uint32_t g, nor_tear tear) {
    uint8_t blank[TP_MAX_GRANULE];
    memset(blank, 0xFF, sizeof blank);
    leave(n, g * n->granule, blank, n->granule,
          tear == NOR_HIDDEN ? NOR_COMPLETE : tear);
    if (tear == NOR_COMPLETE) {
        n->written[g] = 0;
        n->dead[g] = 0;
        n->weak[g] = 0;
    } else if (tear == NOR_HIDDEN) {
        n->weak[g] = 1;
        n->dead[g] = 0;
    } else if (tear == NOR_DEAD) {
        n->dead[g] = n->ecc && any(n) < 128;
    }
}

static void wipe(nor *n, uint32_t sector, nor_tear tear) {
    const uint32_t each = n->sector_bytes / n->granule;
    const uint32_t done = tear == NOR_PART ? tp_rng_next(&n->rng) % each : each;
    if (tear == NOR_NOTHING) {
        return;
    }
    n->erases[sector]++;
    for (uint32_t i = 0; i < done; i++) {
        erase_granule(n, sector * each + i,
                      tear == NOR_PART ? NOR_COMPLETE : tear);
    }
    if (tear == NOR_PART && done < each) {
        erase_granule(n, sector * each + done, NOR_UNSTABLE);
    }
}

/* How this operation ends. Does not return where the power goes: `power`. */
typedef struct ending {
    nor_tear tear;
    tp_status status;
    bool power;
} ending;

static ending next(nor *n) {
    n->ops++;
    if (n->ops == n->cut_at) {
        return (ending){n->tear, TP_ERR_IO, true};
    }
    if (n->ops == n->fault_at && n->fault != NOR_NO_FAULT) {
        return (ending){n->fault == NOR_HALVES ? NOR_PART : NOR_NOTHING,
                        n->fault == NOR_FORGETS ? TP_OK : TP_ERR_IO, false};
    }
    return (ending){NOR_COMPLETE, TP_OK, false};
}

static tp_status program(void *ctx, uint32_t at, const void *bytes,
                         uint32_t count) {
    nor *n = ctx;
    const uint8_t *from = bytes;
    if (at % n->granule != 0 || count % n->granule != 0 ||
        at + count > n->sector_bytes * n->n_sectors) {
        n->broken = "programs off its granules";
        return TP_ERR_IO;
    }
    for (; count > 0; count -= n->granule, at += n->granule) {
        const ending e = next(n);
        if (n->written[at / n->granule] && e.tear != NOR_NOTHING) {
            n->broken = "programs a granule twice";
        }
        put(n, at, from, e.tear);
        if (e.power) {
            longjmp(nor_power, 1);
        }
        if (e.status != TP_OK) {
            return e.status;
        }
        from += n->granule;
    }
    return TP_OK;
}

static tp_status erase(void *ctx, uint32_t sector) {
    nor *n = ctx;
    if (sector >= n->n_sectors) {
        n->broken = "erases outside";
        return TP_ERR_IO;
    }
    const ending e = next(n);
    if ((n->stuck >> sector & 1u) != 0) {
        return TP_ERR_IO;
    }
    wipe(n, sector, e.tear);
    if (e.power) {
        longjmp(nor_power, 1);
    }
    return e.status;
}

tp_flash nor_flash(nor *n) {
    return (tp_flash){.ctx = n,
                      .sector_bytes = n->sector_bytes,
                      .n_sectors = n->n_sectors,
                      .granule = n->granule,
                      .read = read,
                      .program = program,
                      .erase = erase};
}
