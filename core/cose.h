/* A delta's head: COSE_Sign1 (RFC 9052) in one strict form, whose payload is a
 * map that says what the delta is for and which blob it makes. What makes the
 * blob follows; it is not signed itself, but the blob's SHA-256 is (SPEC.md,
 * "Delta"). */
#ifndef TP_CORE_COSE_H
#define TP_CORE_COSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_KEY_ID_BYTES 8u
#define TP_COSE_MOST_SIGNED 256u /* bytes that a signature is over */

/* IANA's numbers of COSE algorithms. */
typedef enum tp_cose_algorithm {
    TP_COSE_ES256 = -7,
    TP_COSE_EDDSA = -8,
    TP_COSE_HSS_LMS = -46
} tp_cose_algorithm;

/* What follows the head. */
typedef enum tp_encoding {
    TP_ENCODING_BLOB = 0,     /* the blob */
    TP_ENCODING_SEGMENTS = 1, /* segments that make it, core/unpack.h */
    TP_ENCODING_FOLLOWS = 2   /* segments, on the blob that it follows */
} tp_encoding;

#define TP_BLOB_NAME_BYTES 8u /* the first of its SHA-256 */

/* The signed map, by its keys. */
typedef struct tp_manifest {
    uint32_t format;         /* 1: TP_DELTA_FORMAT */
    uint32_t payload_bytes;  /* 2: behind the head */
    uint64_t seq;            /* 3: rises with each delta */
    uint32_t abi;            /* 4: TP_ABI of the firmware */
    uint32_t device_class;   /* 5: as the product numbers them */
    uint32_t flags;          /* 6: 0 */
    uint8_t base[32];        /* 7: SHA-256 of the base model */
    uint8_t blob_sha256[32]; /* 8 */
    uint32_t adapter;        /* 9: id in the store */
    uint32_t layout;         /* 10: layout id */
    uint32_t encoding;       /* 11: tp_encoding */
    uint32_t blob_bytes;     /* 12 */
    uint32_t blob_crc;       /* 13: CRC-32 */
    /* 14, only with TP_ENCODING_FOLLOWS: the blob that it follows */
    uint8_t before[TP_BLOB_NAME_BYTES];
} tp_manifest;

/* A head that was read: what is still to be verified. */
typedef struct tp_cose {
    int32_t algorithm;
    uint8_t key_id[TP_KEY_ID_BYTES];
    tp_manifest manifest;
    const uint8_t *protected_bytes; /* in the head */
    size_t protected_n;
    const uint8_t *payload;
    size_t payload_n;
    const uint8_t *signature;
    size_t signature_n;
    size_t bytes; /* of the whole head */
} tp_cose;

/* Reads a head from the start of n bytes. False: not in the one form, or cut
 * short. Nothing in it is to be believed until its signature has been. */
bool tp_cose_read(const uint8_t *bytes, size_t n, tp_cose *cose);

/* The bytes that are signed, COSE's Sig_structure. 0: longer than there is
 * room. */
size_t tp_cose_signed(const tp_cose *cose, uint8_t bytes[TP_COSE_MOST_SIGNED]);

/* --- for who signs ---------------------------------------------------------
 */

#define TP_COSE_MOST_MANIFEST 160u
#define TP_COSE_MOST_PROTECTED 24u

/* The parts of a head as bytes; the length. */
size_t tp_cose_manifest(const tp_manifest *manifest,
                        uint8_t bytes[TP_COSE_MOST_MANIFEST]);
size_t tp_cose_protected(int32_t algorithm,
                         const uint8_t key_id[TP_KEY_ID_BYTES],
                         uint8_t bytes[TP_COSE_MOST_PROTECTED]);
/* The whole head of its parts: at most 24 bytes more than these. */
size_t tp_cose_write(const tp_cose *cose, uint8_t *bytes);

#endif
