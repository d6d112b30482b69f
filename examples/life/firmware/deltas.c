/* Deltas that arrive over the air. */
#include "examples/life/firmware/life.h"

enum { KEYS = 2, HEAD = 3072, DEVICE_CLASS = 1 };

static uint8_t public_key[KEYS][60];
static const tp_key keys[KEYS] = {
    {-46, public_key[0], sizeof public_key[0]},
    {-46, public_key[1], sizeof public_key[1]},
};
static const tp_device device = {.model = &kws_model,
                                 .device_class = DEVICE_CLASS,
                                 .keys = keys,
                                 .n_keys = KEYS};
static tp_update update;
static uint32_t at; /* bytes of the delta that were taken; 0: none */

void life_trust(const char *path) {
    if (life_receive(path, 0, public_key, sizeof public_key) !=
        sizeof public_key) {
        life_fail("there are fewer keys than the device has");
    }
}

bool life_has_trial(void) {
    return life_store.choice.trial != 0;
}

static const char *why(tp_status status) {
    switch (status) {
    case TP_ERR_SIGNATURE:
        return "refused: not signed by a key of ours";
    case TP_ERR_REPLAYED:
        return "refused: not newer than what was accepted";
    case TP_ERR_CORRUPT:
    case TP_ERR_MALFORMED:
        return "refused: not the bytes that were signed";
    default:
        return "refused";
    }
}

static tp_status take(const char *path, bool *done) {
    static uint8_t bytes[HEAD];
    if (at == 0) {
        const uint32_t n = life_receive(path, 0, bytes, sizeof bytes);
        return tp_update_begin(&update, &life_store, &device, bytes, n, &at);
    }
    const uint32_t n = life_receive(path, at, bytes, LIFE_CHUNK);
    at += n;
    *done = n < LIFE_CHUNK;
    TP_TRY(tp_update_chunk(&update, bytes, n));
    return *done ? tp_update_finish(&update) : TP_OK;
}

bool life_take(const char *path) {
    bool done = false;
    const tp_status status = take(path, &done);
    if (status != TP_OK) {
        life_tell(why(status), NULL);
    } else if (done) {
        life_tell("delta of # bytes stored, on trial", &at);
    }
    if (status != TP_OK || done) {
        at = 0;
        return true;
    }
    return false;
}
