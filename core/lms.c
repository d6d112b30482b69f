#include "core/lms.h"

#include <string.h>

#include "core/sha256.h"

/* RFC 8554, 4.1 and 5.1: W4 has p = 67 digits of 4 bits, the last three are the
 * checksum's. */
enum { N = 32, DIGITS = 67, TOP = 15, LS = 4 };
enum { OTS_TYPE = 3, TYPE_H5 = 5, TYPE_H10 = 6 };
enum { OTS_BYTES = 4 + N + DIGITS * N };

/* Marks of what is hashed, at the place of a chain's number. */
enum { D_PBLK = 0x8080, D_MESG = 0x8181, D_LEAF = 0x8282, D_INTR = 0x8383 };

/* Offsets in a public key. */
enum { AT_TYPE = 4, AT_OTS = 8, AT_ID = 12, AT_ROOT = 28 };

static void put32(uint8_t *p, uint32_t x) {
    p[0] = (uint8_t)(x >> 24);
    p[1] = (uint8_t)(x >> 16);
    p[2] = (uint8_t)(x >> 8);
    p[3] = (uint8_t)x;
}

static uint32_t get32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

uint32_t tp_lms_signature_bytes(uint32_t height) {
    return 4 + 4 + OTS_BYTES + 4 + height * N;
}

uint32_t tp_lms_height(const uint8_t key[TP_LMS_KEY_BYTES]) {
    const uint32_t type = get32(key + AT_TYPE);
    if (get32(key) != 1 || get32(key + AT_OTS) != OTS_TYPE) {
        return 0;
    }
    return type == TYPE_H10 ? 10 : type == TYPE_H5 ? 5 : 0;
}

/* --- chains --------------------------------------------------------------- */

/* The one block that a step of a chain hashes: I, q, i, j, value, end. */
typedef struct chain {
    uint8_t block[64];
} chain;

enum { AT_Q = 16, AT_I = 20, AT_J = 22, AT_VALUE = 23, AT_END = 55 };

static chain chain_of(const uint8_t id[16], uint32_t q) {
    chain c = {{0}};
    memcpy(c.block, id, 16);
    put32(c.block + AT_Q, q);
    c.block[AT_END] = 0x80;
    c.block[62] = (8 * AT_END) >> 8;
    c.block[63] = (8 * AT_END) & 0xFF;
    return c;
}

static void hash_block(chain *c, int j) {
    uint32_t h[8];
    c->block[AT_J] = (uint8_t)j;
    tp_sha256_start(h);
    tp_sha256_block(h, c->block);
    tp_sha256_bytes(h, c->block + AT_VALUE);
}

/* Walks chain i from step `from` to `to`; `value` is where it starts, and then
 * where it ends. */
static void walk(chain *c, int i, int from, int to, uint8_t value[N]) {
    c->block[AT_I] = 0;
    c->block[AT_I + 1] = (uint8_t)i;
    memcpy(c->block + AT_VALUE, value, N);
    for (int j = from; j < to; j++) {
        hash_block(c, j);
    }
    memcpy(value, c->block + AT_VALUE, N);
}

static void start_hash(tp_sha256 *sha, const uint8_t id[16], uint32_t number,
                       uint32_t mark) {
    uint8_t head[22];
    memcpy(head, id, 16);
    put32(head + 16, number);
    head[20] = (uint8_t)(mark >> 8);
    head[21] = (uint8_t)mark;
    tp_sha256_init(sha);
    tp_sha256_add(sha, head, sizeof head);
}

/* The message as 64 digits, and their checksum. */
typedef struct digits {
    uint8_t hash[N];
    uint32_t checksum;
} digits;

static int digit(const digits *d, int i) {
    if (i >= 2 * N) {
        return (int)(d->checksum >> (12 - 4 * (i - 2 * N)) & TOP);
    }
    return i % 2 == 0 ? d->hash[i / 2] >> 4 : d->hash[i / 2] & TOP;
}

/* id, q and C come before the message. */
static void take(digits *d, const uint8_t id[16], uint32_t q, const uint8_t *c,
                 const uint8_t *message, size_t bytes) {
    tp_sha256 sha;
    start_hash(&sha, id, q, D_MESG);
    tp_sha256_add(&sha, c, N);
    tp_sha256_add(&sha, message, bytes);
    tp_sha256_done(&sha, d->hash);
    uint32_t sum = 0;
    for (int i = 0; i < 2 * N; i++) {
        const int v = i % 2 == 0 ? d->hash[i / 2] >> 4 : d->hash[i / 2] & TOP;
        sum += (uint32_t)(TOP - v);
    }
    d->checksum = sum << LS;
}

/* The node above `left` and `right`. */
static void join(const uint8_t id[16], uint32_t node, const uint8_t *left,
                 const uint8_t *right, uint8_t out[N]) {
    tp_sha256 sha;
    start_hash(&sha, id, node, D_INTR);
    tp_sha256_add(&sha, left, N);
    tp_sha256_add(&sha, right, N);
    tp_sha256_done(&sha, out);
}

static void leaf(const uint8_t id[16], uint32_t node, const uint8_t k[N],
                 uint8_t out[N]) {
    tp_sha256 sha;
    start_hash(&sha, id, node, D_LEAF);
    tp_sha256_add(&sha, k, N);
    tp_sha256_done(&sha, out);
}

/* --- verifying ------------------------------------------------------------ */

/* The one-time public key that a signature y leads to. */
static void candidate(const uint8_t id[16], uint32_t q, const digits *d,
                      const uint8_t *y, uint8_t k[N]) {
    chain c = chain_of(id, q);
    tp_sha256 sha;
    start_hash(&sha, id, q, D_PBLK);
    for (int i = 0; i < DIGITS; i++) {
        memcpy(k, y + i * N, N);
        walk(&c, i, digit(d, i), TOP, k);
        tp_sha256_add(&sha, k, N);
    }
    tp_sha256_done(&sha, k);
}

static void climb(const uint8_t id[16], uint32_t node, const uint8_t *path,
                  uint8_t value[N]) {
    for (; node > 1; node /= 2, path += N) {
        if (node % 2 != 0) {
            join(id, node / 2, path, value, value);
        } else {
            join(id, node / 2, value, path, value);
        }
    }
}

/* Without a branch on what differs. */
static uint32_t compare(const uint8_t *a, const uint8_t *b) {
    uint32_t differ = 0;
    for (int i = 0; i < N; i++) {
        differ |= (uint32_t)(a[i] ^ b[i]);
    }
    return TP_LMS_VERIFIED ^ differ;
}

/* Levels below the first, q, types, path: all must be as the key says. */
static bool fits(const uint8_t *key, uint32_t height, const uint8_t *signature,
                 size_t n) {
    return height != 0 && n == tp_lms_signature_bytes(height) &&
           get32(signature) == 0 && get32(signature + 4) >> height == 0 &&
           get32(signature + 8) == OTS_TYPE &&
           get32(signature + 8 + OTS_BYTES) == get32(key + AT_TYPE);
}

uint32_t tp_lms_verify(const uint8_t key[TP_LMS_KEY_BYTES],
                       const uint8_t *message, size_t bytes,
                       const uint8_t *signature, size_t n) {
    const uint32_t height = tp_lms_height(key);
    const uint8_t *id = key + AT_ID;
    const uint8_t *ots = signature + 8;
    uint8_t value[N];
    digits d;
    if (!fits(key, height, signature, n)) {
        return 0;
    }
    const uint32_t q = get32(signature + 4);
    const uint32_t node = (UINT32_C(1) << height) + q;
    take(&d, id, q, ots + 4, message, bytes);
    candidate(id, q, &d, ots + 4 + N, value);
    leaf(id, node, value, value);
    climb(id, node, ots + OTS_BYTES + 4, value);
    return compare(value, key + AT_ROOT);
}

/* --- signing -------------------------------------------------------------- */

/* Where chain i of leaf q begins: the seed, hashed like a step numbered 255. */
static void begin(const tp_lms_secret *secret, uint32_t q, int i,
                  uint8_t value[N]) {
    chain c = chain_of(secret->id, q);
    c.block[AT_I] = (uint8_t)(i >> 8);
    c.block[AT_I + 1] = (uint8_t)i;
    memcpy(c.block + AT_VALUE, secret->seed, N);
    hash_block(&c, 0xFF);
    memcpy(value, c.block + AT_VALUE, N);
}

static void one_time_key(const tp_lms_secret *secret, uint32_t q,
                         uint8_t k[N]) {
    chain c = chain_of(secret->id, q);
    tp_sha256 sha;
    start_hash(&sha, secret->id, q, D_PBLK);
    for (int i = 0; i < DIGITS; i++) {
        begin(secret, q, i, k);
        walk(&c, i, 0, TOP, k);
        tp_sha256_add(&sha, k, N);
    }
    tp_sha256_done(&sha, k);
}

void tp_lms_tree(const tp_lms_secret *secret, uint8_t (*nodes)[32]) {
    const uint32_t leaves = UINT32_C(1) << secret->height;
    for (uint32_t node = 2 * leaves - 1; node > 0; node--) {
        uint8_t *out = nodes[node - 1];
        if (node >= leaves) {
            one_time_key(secret, node - leaves, out);
            leaf(secret->id, node, out, out);
        } else {
            join(secret->id, node, nodes[2 * node - 1], nodes[2 * node], out);
        }
    }
}

void tp_lms_public(const tp_lms_secret *secret, uint8_t (*nodes)[32],
                   uint8_t key[TP_LMS_KEY_BYTES]) {
    put32(key, 1);
    put32(key + AT_TYPE, secret->height == 10 ? TYPE_H10 : TYPE_H5);
    put32(key + AT_OTS, OTS_TYPE);
    memcpy(key + AT_ID, secret->id, 16);
    memcpy(key + AT_ROOT, nodes[0], N);
}

void tp_lms_sign(const tp_lms_secret *secret, uint8_t (*nodes)[32],
                 uint32_t index, const uint8_t *message, size_t bytes,
                 uint8_t *signature) {
    uint8_t *ots = signature + 8;
    uint8_t *path = ots + OTS_BYTES + 4;
    chain c = chain_of(secret->id, index);
    digits d;
    put32(signature, 0);
    put32(signature + 4, index);
    put32(ots, OTS_TYPE);
    /* C need not be random, but must not be known before: it comes from the
     * seed, as a chain of its own. */
    begin(secret, index, 0xFFFD, ots + 4);
    take(&d, secret->id, index, ots + 4, message, bytes);
    for (int i = 0; i < DIGITS; i++) {
        uint8_t *y = ots + 4 + N + i * N;
        begin(secret, index, i, y);
        walk(&c, i, 0, digit(&d, i), y);
    }
    put32(path - 4, secret->height == 10 ? TYPE_H10 : TYPE_H5);
    uint32_t node = (UINT32_C(1) << secret->height) + index;
    for (; node > 1; node /= 2, path += N) {
        memcpy(path, nodes[(node ^ 1) - 1], N);
    }
}
