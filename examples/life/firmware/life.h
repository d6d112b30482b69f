/* The life of an adapter on a device: what the parts of this firmware share. */
#ifndef EXAMPLES_LIFE_H
#define EXAMPLES_LIFE_H

#include <stdbool.h>

#include "kws.h"
#include "tinypeft/accept.h"
#include "tinypeft/drift.h"
#include "tinypeft/governor.h"
#include "tinypeft/inbox.h"
#include "tinypeft/update.h"

enum {
    LIFE_CLASSES = 10,
    LIFE_SUMS = 10,  /* of the input, for drift: each coefficient over time */
    LIFE_LEARN = 40, /* samples to learn from */
    LIFE_HELD = 20,  /* samples held back, to judge by */
    LIFE_EPOCHS = 8,
    LIFE_EVERY = 2,      /* updates between two checkpoints */
    LIFE_REST = 16,      /* clips between two, while nothing is learned */
    LIFE_TRIAL = 30,     /* inferences that judge a delta */
    LIFE_CHUNK = 512,    /* bytes of a delta that arrive with a clip */
    LIFE_AIR = 1060,     /* the clip with which the first delta comes, */
    LIFE_AIR_EACH = 100, /* how much later each other one, */
    LIFE_ARRIVED = 20,   /* and how much later its trial begins */
    LIFE_MINE = 1,       /* ids in the store: what was learned here */
    LIFE_CLIP_S = 10     /* seconds between two clips */
};

#define LIFE_BLOB_BYTES (TP_BLOB_HEADER_BYTES + KWS_ADAPTER_BYTES)

/* What happens, in this order; LIFE_DELTA and LIFE_TRIAL for each delta. */
typedef enum life_phase {
    LIFE_NEW,      /* there is no adapter yet but the one from the factory */
    LIFE_LISTEN,   /* infer, and watch for drift */
    LIFE_COLLECT,  /* infer, and keep what the user confirms or corrects */
    LIFE_TRAIN,    /* infer, and train between inferences */
    LIFE_DELTA,    /* infer, and take chunks of a delta */
    LIFE_ON_TRIAL, /* infer with the adapter of a delta */
    LIFE_END
} life_phase;

/* All that a loss of power must not take: one record of the store. Its pointers
 * are those of the same firmware. */
typedef struct life_state {
    uint32_t phase;  /* life_phase */
    uint32_t clip;   /* the next one */
    uint32_t delta;  /* that arrives, or is on trial */
    uint32_t sample; /* of the training run, the next one */
    tp_governor governor;
    _Alignas(4) uint8_t drift[TP_DRIFT_BYTES(LIFE_SUMS, LIFE_CLASSES)];
    tp_inbox inbox;
    _Alignas(TP_ALIGN) uint8_t letters[TP_INBOX_BYTES(KWS_X_BYTES, LIFE_LEARN)];
    uint32_t n_learn, n_held;
    uint8_t held_x[LIFE_HELD][KWS_X_BYTES];
    uint8_t held_label[LIFE_HELD];
    tp_accept accept;
    uint8_t blob[LIFE_BLOB_BYTES];
    _Alignas(TP_ALIGN) uint8_t adapter[KWS_ADAPTER_BYTES]; /* in training */
    _Alignas(TP_ALIGN) uint8_t train[KWS_TRAIN_BYTES];
} life_state;

extern life_state life;
extern tp_store life_store;

/* --- state.c -------------------------------------------------------------- */

/* Opens the flash; life is what was saved last, or all zero. */
void life_open(const char *flash);
void life_checkpoint(void);
/* The adapter that is in use, or on trial, into a buffer. */
void life_load(bool trial, uint8_t adapter[KWS_ADAPTER_BYTES]);

/* --- world.c: what a device would hear, on files of the host ---------------
 */

typedef struct life_clip {
    int8_t x[KWS_X_BYTES];
    uint8_t label;
} life_clip;

void life_listen(const char *clips);
/* Clip i; false: the microphone is off. */
bool life_hear(uint32_t i, life_clip *clip);
/* The next bytes of a file, from `at` on; how many there are, up to n. */
uint32_t life_receive(const char *path, uint32_t at, void *bytes, uint32_t n);
void life_write(const char *path, const void *bytes, uint32_t n);

/* A line: clip, energy used, then the text with its numbers in place of #. */
void life_tell(const char *text, const uint32_t *numbers);

/* --- learn.c -------------------------------------------------------------- */

void life_watch_begin(void);
/* Drift of the input; true once there is some. */
bool life_watch(const life_clip *clip, const int8_t *y);
/* The user's answer to an inference; true once there is enough to learn from.
 */
bool life_collect(const life_clip *clip, const int8_t *y);
void life_train_begin(void);
/* As much as there is energy for now; true once training has ended. */
bool life_train(tp_status *status);
/* Judges what was learned; true if it is better, and stored. */
bool life_judge(tp_status status);

/* --- deltas.c ------------------------------------------------------------- */

/* Keys that may sign, from a file of public keys as in the firmware. */
void life_trust(const char *keys);
/* One chunk; true once the delta is stored and on trial, or refused. */
bool life_take(const char *path);
/* Is a delta on trial? */
bool life_has_trial(void);

#endif
