/* The detector of drift on a board: it says and keeps the same bytes as on the
 * host (tests/unit/test_drift.c). */
#include "ports/qemu/semihost.h"
#include "tests/unit/drift_stream.h"

/* No more aligned than promised: to 4, and not to 8. */
static struct {
    _Alignas(8) uint8_t before[4];
    uint8_t state[TP_DS_STATE];
} room;

int main(void) {
    if (tp_ds_crc(room.state, 1) != TP_DRIFT_STREAM_CRC) {
        tp_qemu_print("drift: failed: other bytes than on the host\n");
        return 1;
    }
    tp_qemu_print("drift: 1,500 samples, the same bytes as on the host\n");
    return 0;
}
