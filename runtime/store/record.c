#include "runtime/store/record.h"

#include <string.h>

#include "core/bytes.h"
#include "core/crc32.h"
#include "core/sha256.h"

#define MAGIC 0x53505054u    /* "TPPS" */
#define COMMIT_A 0x41435054u /* "TPCA" */
#define COMMIT_B 0x42435054u /* "TPCB" */
#define FORMAT 1u
#define DELETED 0x8000u /* in the kind */

/* Offsets in the header. */
enum {
    AT_MAGIC = 0,
    AT_FORMAT = 4,
    AT_KIND = 6,
    AT_ID = 8,
    AT_LENGTH = 12,
    AT_SEQ = 16,
    AT_WEAR = 24,
    AT_LAYOUT = 28,
    AT_BASE = 32,
    AT_SHA256 = 48,
    AT_CRC = 80,
    AT_GENERATION = 84,
    AT_REPAIRS = 88,
    AT_HEADER_CRC = 92
};

void tp_record_seal(tp_record *record, const void *payload) {
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, payload, record->bytes);
    tp_sha256_done(&sha, record->sha256);
    record->crc = tp_crc32(0, payload, record->bytes);
}

void tp_record_encode(const tp_record *record,
                      uint8_t bytes[TP_RECORD_HEADER_BYTES]) {
    tp_put_u32(bytes + AT_MAGIC, MAGIC);
    tp_put_u16(bytes + AT_FORMAT, FORMAT);
    tp_put_u16(bytes + AT_KIND,
               (uint16_t)(record->kind | (record->deleted ? DELETED : 0)));
    tp_put_u32(bytes + AT_ID, record->id);
    tp_put_u32(bytes + AT_LENGTH, record->bytes);
    tp_put_u64(bytes + AT_SEQ, record->seq);
    tp_put_u32(bytes + AT_WEAR, record->wear);
    tp_put_u32(bytes + AT_LAYOUT, record->layout);
    memcpy(bytes + AT_BASE, record->base, sizeof record->base);
    memcpy(bytes + AT_SHA256, record->sha256, sizeof record->sha256);
    tp_put_u32(bytes + AT_CRC, record->crc);
    tp_put_u32(bytes + AT_GENERATION, record->generation);
    tp_put_u32(bytes + AT_REPAIRS, record->repairs);
    tp_put_u32(bytes + AT_HEADER_CRC, tp_crc32(0, bytes, AT_HEADER_CRC));
}

bool tp_record_head_decode(const uint8_t bytes[TP_RECORD_HEADER_BYTES],
                           tp_record_head *head) {
    if (tp_get_u32(bytes + AT_MAGIC) != MAGIC ||
        tp_get_u16(bytes + AT_FORMAT) != FORMAT ||
        tp_get_u32(bytes + AT_HEADER_CRC) !=
            tp_crc32(0, bytes, AT_HEADER_CRC)) {
        return false;
    }
    const uint16_t kind = tp_get_u16(bytes + AT_KIND);
    *head = (tp_record_head){.seq = tp_get_u64(bytes + AT_SEQ),
                             .id = tp_get_u32(bytes + AT_ID),
                             .bytes = tp_get_u32(bytes + AT_LENGTH),
                             .generation = tp_get_u32(bytes + AT_GENERATION),
                             .wear = tp_get_u32(bytes + AT_WEAR),
                             .kind = kind & (uint16_t)~DELETED,
                             .deleted = (kind & DELETED) != 0};
    return true;
}

bool tp_record_decode(const uint8_t bytes[TP_RECORD_HEADER_BYTES],
                      tp_record *record) {
    tp_record_head head;
    if (!tp_record_head_decode(bytes, &head)) {
        return false;
    }
    record->kind = head.kind;
    record->id = head.id;
    record->bytes = head.bytes;
    record->seq = head.seq;
    record->wear = head.wear;
    record->generation = head.generation;
    record->deleted = head.deleted;
    record->layout = tp_get_u32(bytes + AT_LAYOUT);
    memcpy(record->base, bytes + AT_BASE, sizeof record->base);
    memcpy(record->sha256, bytes + AT_SHA256, sizeof record->sha256);
    record->crc = tp_get_u32(bytes + AT_CRC);
    record->repairs = tp_get_u32(bytes + AT_REPAIRS);
    return true;
}

/* The header's CRC ties a commit to its header: sequence numbers alone may
 * repeat where a header could not be read. */
static uint32_t header_crc(const tp_record *record) {
    uint8_t bytes[TP_RECORD_HEADER_BYTES];
    tp_record_encode(record, bytes);
    return tp_get_u32(bytes + AT_HEADER_CRC);
}

void tp_commit_encode(const tp_record *record, uint32_t which,
                      uint8_t bytes[TP_COMMIT_BYTES]) {
    tp_put_u32(bytes, which == 0 ? COMMIT_A : COMMIT_B);
    tp_put_u32(bytes + 4, (uint32_t)record->seq);
    tp_put_u32(bytes + 8, header_crc(record));
    tp_put_u32(bytes + 12, tp_crc32(0, bytes, 12));
}
