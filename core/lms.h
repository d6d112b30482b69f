/* Leighton-Micali hash-based signatures, RFC 8554, as HSS of one level with
 * SHA-256, M32, W4 and a tree of height 5 or 10: what signs deltas where no
 * other cryptography is at hand. Both sides are here; they share the chains.
 *
 * A signing key is stateful: an index that signs two messages gives the key
 * away. Who signs must have stored that an index is used before its signature
 * leaves (fleet/pack). */
#ifndef TP_CORE_LMS_H
#define TP_CORE_LMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TP_LMS_KEY_BYTES 60u /* HSS public key: levels, types, I, root */
#define TP_LMS_MAX_HEIGHT 10u
#define TP_LMS_SEED_BYTES 32u

/* What a right signature is told by: no single flipped bit makes it of 0. */
#define TP_LMS_VERIFIED 0x5AC3A53Cu

/* Bytes of a signature under a tree of this height: 2,512 for 10. */
uint32_t tp_lms_signature_bytes(uint32_t height);

/* Height of the tree of a public key; 0: it is none of ours. */
uint32_t tp_lms_height(const uint8_t key[TP_LMS_KEY_BYTES]);

/* TP_LMS_VERIFIED where `signature`, of n bytes, signs the message; else
 * another number. */
uint32_t tp_lms_verify(const uint8_t key[TP_LMS_KEY_BYTES],
                       const uint8_t *message, size_t bytes,
                       const uint8_t *signature, size_t n);

/* A key to sign with, RFC 8554, appendix A. */
typedef struct tp_lms_secret {
    uint32_t height;
    uint8_t id[16];
    uint8_t seed[TP_LMS_SEED_BYTES];
} tp_lms_secret;

/* All nodes of a tree: node r at nodes[r - 1], the root first, then both below
 * it, ... the leaves. 2^(height + 1) - 1 of them. */
void tp_lms_tree(const tp_lms_secret *secret, uint8_t (*nodes)[32]);

void tp_lms_public(const tp_lms_secret *secret, uint8_t (*nodes)[32],
                   uint8_t key[TP_LMS_KEY_BYTES]);

/* Signs with leaf `index`, which must never have signed before.
 *   signature  [out] tp_lms_signature_bytes() */
void tp_lms_sign(const tp_lms_secret *secret, uint8_t (*nodes)[32],
                 uint32_t index, const uint8_t *message, size_t bytes,
                 uint8_t *signature);

#endif
