/* A budget of energy for training: how much of it a day may use, and when.
 *
 * What a step costs is what the plan has estimated (model->cost, instructions),
 * times what the platform says an instruction takes. Nothing is begun that is
 * not paid for in advance, so that a day never uses more than it has:
 *
 *   - a day begins with `day_uj`, and with what the day before has left over,
 *     at most `carry_uj` of it;
 *   - an inference may use all that is left;
 *   - training leaves `reserve_uj` to the inferences of the day, less and less
 *     of it as the day passes: at its end training may use all.
 *
 *     tp_governor_begin(&governor, &config, clock.now_s(clock.ctx));
 *     before an inference: tp_governor_take(&governor, now, TP_SPEND_INFER,
 *                                           instructions)
 *     to train:            tp_governor_sample(&governed, sample, &label)
 *
 * All is integers and constant time, but for a look at the steps of a slice. */
#ifndef TINYPEFT_GOVERNOR_H
#define TINYPEFT_GOVERNOR_H

#include <stdbool.h>

#include "tinypeft/port.h"
#include "tinypeft/train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Field                       unit, range */
typedef struct tp_governor_config {
    uint32_t day_uj;         /* uJ that a day may use */
    uint32_t carry_uj;       /* uJ that it may take over from the one before */
    uint32_t reserve_uj;     /* uJ of them that training leaves at the start */
    uint32_t day_s;          /* seconds of a day, at least 1: 86,400 */
    uint32_t pj_instruction; /* pJ of one, 1..2^20: core, memory, and what the
                                estimate may be wrong by */
} tp_governor_config;

/* Plain numbers, which may be kept over a reset. */
typedef struct tp_governor {
    tp_governor_config config;
    uint32_t day_began_s;
    uint64_t left_pj; /* of the current day */
} tp_governor;

typedef enum tp_spend { TP_SPEND_INFER, TP_SPEND_TRAIN } tp_spend;

#define TP_GOVERNOR_NEVER UINT32_MAX

/* The first day begins now.
 * TP_ERR_ARGUMENT: a number out of range. */
TP_MUST_CHECK tp_status tp_governor_begin(tp_governor *governor,
                                          const tp_governor_config *config,
                                          uint32_t now_s);

/* What may be used now, in estimated instructions. */
uint32_t tp_governor_may(tp_governor *governor, uint32_t now_s, tp_spend kind);

/* Uses so many instructions' worth. False: there is not enough, and nothing was
 * used. */
TP_MUST_CHECK bool tp_governor_take(tp_governor *governor, uint32_t now_s,
                                    tp_spend kind, uint32_t instructions);

/* Seconds after which to ask again whether training may use so much. 0: it may
 * now. Else it will be later in the day, if nothing else uses energy meanwhile,
 * or the next day begins; TP_GOVERNOR_NEVER: no day has so much. */
uint32_t tp_governor_wait_s(tp_governor *governor, uint32_t now_s,
                            uint32_t instructions);

/* --- training under a governor -------------------------------------------- */

typedef struct tp_governed {
    tp_governor *governor;
    const tp_clock *clock;
    const tp_ctx *ctx;
    uint32_t slice;      /* instructions of one slice at most, 0: no limit;
                            a step that has more is a slice of its own */
    uint32_t rest_s;     /* sleep between two slices */
    uint32_t deadline_s; /* no slice begins later; 0: there is none */
} tp_governed;

/* One slice, if there is energy for one: as many steps of the sample as are
 * paid for and fit a slice. Errors of tp_train_slice().
 * TP_ERR_BUDGET: not even one step is paid for now, or the deadline is over;
 * nothing was done, and *done is false. */
TP_MUST_CHECK tp_status tp_governor_slice(const tp_governed *governed,
                                          const void *sample,
                                          const void *target, bool *done);

/* A whole sample in slices, with sleep between them and as long as there is no
 * energy. Errors of tp_train_sample().
 * TP_ERR_BUDGET: the deadline comes first. The sample is then in progress: call
 * again, with another deadline, to go on. */
TP_MUST_CHECK tp_status tp_governor_sample(const tp_governed *governed,
                                           const void *sample,
                                           const void *target);

#ifdef __cplusplus
}
#endif
#endif
