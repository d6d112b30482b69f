/* SHA-256, FIPS 180-4. */
#ifndef TP_CORE_SHA256_H
#define TP_CORE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct tp_sha256 {
    uint32_t h[8];
    uint64_t bytes; /* hashed so far */
    uint8_t block[64];
} tp_sha256;

void tp_sha256_init(tp_sha256 *sha);
void tp_sha256_add(tp_sha256 *sha, const void *bytes, size_t n);
void tp_sha256_done(tp_sha256 *sha, uint8_t digest[32]);

/* The parts, for hashes of which it is known how many blocks they have. */
void tp_sha256_start(uint32_t h[8]);
void tp_sha256_block(uint32_t h[8], const uint8_t block[64]);
void tp_sha256_bytes(const uint32_t h[8], uint8_t digest[32]);

#endif
