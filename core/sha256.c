#include "core/sha256.h"

#include <string.h>

/* First 32 bits of the fractional parts of the cube roots of the first 64
 * primes (FIPS 180-4, 4.2.2). */
static const uint32_t k[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu,
    0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u, 0xd807aa98u, 0x12835b01u,
    0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u,
    0xc19bf174u, 0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu,
    0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau, 0x983e5152u,
    0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u,
    0x06ca6351u, 0x14292967u, 0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu,
    0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u,
    0xd6990624u, 0xf40e3585u, 0x106aa070u, 0x19a4c116u, 0x1e376c08u,
    0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu,
    0x682e6ff3u, 0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u,
    0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};

static uint32_t rotate(uint32_t x, int n) {
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* The next 16 words of the message schedule, in place. */
static void schedule(uint32_t w[16]) {
    for (int i = 0; i < 16; i++) {
        const uint32_t a = w[(i + 1) & 15];
        const uint32_t b = w[(i + 14) & 15];
        const uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
        const uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;
        w[i] += s0 + w[(i + 9) & 15] + s1;
    }
}

/* One round; x holds a..h from place -n on, so that nothing has to move: after
 * eight rounds a is at place 0 again. */
static inline void step(uint32_t x[8], int n, uint32_t kw) {
    const uint32_t a = x[(8 - n) & 7];
    const uint32_t b = x[(9 - n) & 7];
    const uint32_t c = x[(10 - n) & 7];
    const uint32_t e = x[(12 - n) & 7];
    const uint32_t f = x[(13 - n) & 7];
    const uint32_t g = x[(14 - n) & 7];
    const uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const uint32_t t = x[(15 - n) & 7] + s1 + (g ^ (e & (f ^ g))) + kw;
    const uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    x[(11 - n) & 7] += t;
    x[(15 - n) & 7] = t + s0 + ((a & b) | (c & (a | b)));
}

/* Eight rounds are written out: then x stays in registers. */
static void rounds8(uint32_t x[8], const uint32_t *k8, const uint32_t *w8) {
    uint32_t y[8];
    memcpy(y, x, sizeof y);
    step(y, 0, k8[0] + w8[0]);
    step(y, 1, k8[1] + w8[1]);
    step(y, 2, k8[2] + w8[2]);
    step(y, 3, k8[3] + w8[3]);
    step(y, 4, k8[4] + w8[4]);
    step(y, 5, k8[5] + w8[5]);
    step(y, 6, k8[6] + w8[6]);
    step(y, 7, k8[7] + w8[7]);
    memcpy(x, y, sizeof y);
}

void tp_sha256_block(uint32_t h[8], const uint8_t block[64]) {
    uint32_t w[16];
    uint32_t x[8];
    for (int i = 0; i < 16; i++) {
        w[i] = big_endian(block + 4 * i);
    }
    memcpy(x, h, sizeof x);
    for (int i = 0; i < 64; i += 16) {
        if (i > 0) {
            schedule(w);
        }
        rounds8(x, k + i, w);
        rounds8(x, k + i + 8, w + 8);
    }
    for (int i = 0; i < 8; i++) {
        h[i] += x[i];
    }
}

void tp_sha256_start(uint32_t h[8]) {
    static const uint32_t start[8] = {
        0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
        0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
    };
    memcpy(h, start, sizeof start);
}

void tp_sha256_init(tp_sha256 *sha) {
    tp_sha256_start(sha->h);
    sha->bytes = 0;
}

void tp_sha256_add(tp_sha256 *sha, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) {
        sha->block[sha->bytes & 63u] = p[i];
        sha->bytes++;
        if ((sha->bytes & 63u) == 0) {
            tp_sha256_block(sha->h, sha->block);
        }
    }
}

void tp_sha256_done(tp_sha256 *sha, uint8_t digest[32]) {
    const uint64_t bits = sha->bytes * 8;
    uint8_t length[8];
    for (int i = 0; i < 8; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    tp_sha256_add(sha, "\x80", 1);
    while ((sha->bytes & 63u) != 56) {
        tp_sha256_add(sha, "", 1);
    }
    tp_sha256_add(sha, length, sizeof length);
    tp_sha256_bytes(sha->h, digest);
}

void tp_sha256_bytes(const uint32_t h[8], uint8_t digest[32]) {
    for (int i = 0; i < 32; i++) {
        digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
    }
}
