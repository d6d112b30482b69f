/* The class-balanced reservoir on a board: the same bytes as on the host
 * (tests/unit/test_replay.c). */
#include "ports/qemu/semihost.h"
#include "tests/unit/replay_stream.h"

int main(void) {
    static uint32_t memory[(TP_STREAM_BYTES + 3) / 4];
    const uint32_t crc = tp_stream_crc(memory, 1);
    if (crc != TP_STREAM_CRC) {
        tp_qemu_print("replay: failed: other bytes than on the host\n");
        return 1;
    }
    tp_qemu_print("replay: 500 samples, the same bytes as on the host\n");
    return 0;
}
