/* Deltas that arrive over the air. */
#include "examples/life/firmware/life.h"
#include "ports/qemu/report.h"

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

void life_trust(const char *path) {
    if (life_receive(path, 0, public_key, sizeof public_key) !=
        sizeof public_key) {
        tp_qemu_fail("there are fewer keys than the device has");
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

bool life_take(const char *path) {
    static tp_update update;
    static uint8_t head[HEAD];
    const uint32_t at = tp_update_kept(&life_store);
    const uint32_t n = life_receive(path, at, head, LIFE_CHUNK);
    if (n > 0 && tp_update_keep(&life_store, at, head, n) != TP_OK) {
        tp_qemu_fail("a part of a delta cannot be kept");
    }
    if (n == LIFE_CHUNK) {
        return false;
    }
    const tp_status status =
        tp_update_take(&update, &life_store, &device, head, sizeof head);
    if (status == TP_OK) {
        life_tell("delta of # bytes stored, on trial", (uint32_t[]){at + n});
    } else {
        life_tell(why(status), NULL);
    }
    return true;
}
