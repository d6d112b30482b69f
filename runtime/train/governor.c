/* Energy in pJ, in 64 bits; nothing is spent before it was taken, and what is
 * taken is the estimate of whole steps, so that none of them can exceed it. */
#include "tinypeft/governor.h"

#define PJ_IN_UJ 1000000u

tp_status tp_governor_begin(tp_governor *governor,
                            const tp_governor_config *config, uint32_t now_s) {
    if (config->day_s < 1 || config->pj_instruction < 1 ||
        config->pj_instruction > UINT32_C(1) << 20) {
        return TP_ERR_ARGUMENT;
    }
    *governor = (tp_governor){.config = *config,
                              .day_began_s = now_s,
                              .left_pj = (uint64_t)config->day_uj * PJ_IN_UJ};
    return TP_OK;
}

/* --- days -----------------------------------------------------------------
 *
 * Energies are below 2^33 uJ * 10^6 < 2^53 pJ. A clock that was set back begins
 * the day again and gives nothing; one that was set forward by many days gives
 * what one night would have. */

static void follow_clock(tp_governor *g, uint32_t now_s) {
    const uint64_t day = (uint64_t)g->config.day_uj * PJ_IN_UJ;
    const uint64_t carry = (uint64_t)g->config.carry_uj * PJ_IN_UJ;
    if (now_s < g->day_began_s) {
        g->day_began_s = now_s;
        return;
    }
    const uint32_t days = (now_s - g->day_began_s) / g->config.day_s;
    if (days == 0) {
        return;
    }
    /* Each day in between would have left all of its own. */
    const uint64_t idle = days - 1u;
    uint64_t over = carry;
    if (idle == 0 || (day > 0 && idle <= carry / day)) {
        over = g->left_pj + idle * day; /* below 2^54 */
    } else if (day == 0) {
        over = g->left_pj;
    }
    g->left_pj = day + (over < carry ? over : carry);
    g->day_began_s += days * g->config.day_s;
}

/* What training leaves at this second of the day; a day_s-th of it goes with
 * each second. */
static uint64_t reserve_pj(const tp_governor *g, uint32_t second) {
    const uint64_t all = (uint64_t)g->config.reserve_uj * PJ_IN_UJ;
    return all - all / g->config.day_s * second;
}

static uint64_t available_pj(const tp_governor *g, uint32_t now_s,
                             tp_spend kind) {
    const uint64_t reserve =
        kind == TP_SPEND_TRAIN ? reserve_pj(g, now_s - g->day_began_s) : 0;
    return g->left_pj > reserve ? g->left_pj - reserve : 0;
}

/* Below 2^52. */
static uint64_t energy_pj(const tp_governor *g, uint32_t instructions) {
    return (uint64_t)instructions * g->config.pj_instruction;
}

uint32_t tp_governor_may(tp_governor *g, uint32_t now_s, tp_spend kind) {
    follow_clock(g, now_s);
    const uint64_t n = available_pj(g, now_s, kind) / g->config.pj_instruction;
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

bool tp_governor_take(tp_governor *g, uint32_t now_s, tp_spend kind,
                      uint32_t instructions) {
    follow_clock(g, now_s);
    const uint64_t need = energy_pj(g, instructions);
    const bool enough = need <= available_pj(g, now_s, kind);
    g->left_pj -= enough ? need : 0;
    return enough;
}

/* The first second of this day at which the reserve leaves so much; day_s: none
 * does. */
static uint32_t second_for(const tp_governor *g, uint64_t need) {
    const uint64_t all = reserve_pj(g, 0);
    const uint64_t each = all / g->config.day_s;
    if (need > g->left_pj) {
        return g->config.day_s;
    }
    const uint64_t most = g->left_pj - need; /* that may be reserved then */
    if (all <= most) {
        return 0;
    }
    const uint64_t second =
        each > 0 ? (all - most + each - 1u) / each : g->config.day_s;
    return second < g->config.day_s ? (uint32_t)second : g->config.day_s;
}

uint32_t tp_governor_wait_s(tp_governor *g, uint32_t now_s,
                            uint32_t instructions) {
    follow_clock(g, now_s);
    const uint64_t need = energy_pj(g, instructions);
    const uint64_t most =
        g->config.day_uj > 0
            ? ((uint64_t)g->config.day_uj + g->config.carry_uj) * PJ_IN_UJ
            : g->left_pj;
    const uint64_t least = reserve_pj(g, g->config.day_s - 1u);
    if (need > most || least > most - need) {
        return TP_GOVERNOR_NEVER;
    }
    const uint32_t second = second_for(g, need);
    const uint32_t now = now_s - g->day_began_s;
    return second > now ? second - now : 0;
}

/* --- training ------------------------------------------------------------- */

static uint32_t now_s(const tp_governed *governed) {
    return governed->clock->now_s(governed->clock->ctx);
}

static bool late(const tp_governed *governed, uint32_t at_s) {
    return governed->deadline_s != 0 && at_s > governed->deadline_s;
}

/* As many steps as `may` pays for and a slice takes, at least one if that is
 * paid for; *cost is theirs together. */
static uint32_t steps_for(const tp_governed *governed, uint32_t may,
                          uint32_t *cost) {
    const uint32_t slice = governed->slice > 0 ? governed->slice : UINT32_MAX;
    uint32_t n = 0;
    uint32_t next = 0;
    *cost = 0;
    while (tp_train_next(governed->ctx, n, &next) && next <= may - *cost &&
           (n == 0 || (*cost < slice && next <= slice - *cost))) {
        *cost += next;
        n++;
    }
    return n;
}

tp_status tp_governor_slice(const tp_governed *governed, const void *sample,
                            const void *target, bool *done) {
    const uint32_t now = now_s(governed);
    const uint32_t may =
        tp_governor_may(governed->governor, now, TP_SPEND_TRAIN);
    uint32_t cost = 0;
    const uint32_t steps =
        late(governed, now) ? 0 : steps_for(governed, may, &cost);
    *done = false;
    if (steps == 0 ||
        !tp_governor_take(governed->governor, now, TP_SPEND_TRAIN, cost)) {
        return TP_ERR_BUDGET;
    }
    const tp_train_budget budget = {.steps = steps};
    return tp_train_slice(governed->ctx, sample, target, &budget, done);
}

/* Sleeps so long, unless the deadline comes first. */
static bool sleep_for(const tp_governed *governed, uint32_t seconds) {
    const uint32_t now = now_s(governed);
    if (seconds > UINT32_MAX - now || late(governed, now + seconds)) {
        return false;
    }
    governed->clock->sleep_s(governed->clock->ctx, seconds);
    return true;
}

/* Until there is energy for the next step. */
static bool sleep_until_paid(const tp_governed *governed) {
    uint32_t next = 0;
    (void)tp_train_next(governed->ctx, 0, &next);
    const uint32_t wait =
        tp_governor_wait_s(governed->governor, now_s(governed), next);
    return wait != TP_GOVERNOR_NEVER && !late(governed, now_s(governed)) &&
           sleep_for(governed, wait);
}

tp_status tp_governor_sample(const tp_governed *governed, const void *sample,
                             const void *target) {
    for (bool done = false;;) {
        const tp_status status =
            tp_governor_slice(governed, sample, target, &done);
        if (done) {
            return status;
        }
        const bool go_on = status == TP_ERR_BUDGET
                               ? sleep_until_paid(governed)
                               : sleep_for(governed, governed->rest_s);
        if (!go_on) {
            return TP_ERR_BUDGET;
        }
    }
}
