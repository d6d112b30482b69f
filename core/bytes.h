/* Little-endian integers in byte arrays: wire structs are read and written
 * with these, never by cast. */
#ifndef TP_CORE_BYTES_H
#define TP_CORE_BYTES_H

#include <stdint.h>

static inline uint16_t tp_get_u16(const uint8_t *p) {
    return (uint16_t)(p[0] | (uint16_t)(p[1] << 8));
}

static inline uint32_t tp_get_u32(const uint8_t *p) {
    return (uint32_t)tp_get_u16(p) | (uint32_t)tp_get_u16(p + 2) << 16;
}

static inline uint64_t tp_get_u64(const uint8_t *p) {
    return tp_get_u32(p) | (uint64_t)tp_get_u32(p + 4) << 32;
}

static inline void tp_put_u16(uint8_t *p, uint16_t x) {
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
}

static inline void tp_put_u32(uint8_t *p, uint32_t x) {
    tp_put_u16(p, (uint16_t)x);
    tp_put_u16(p + 2, (uint16_t)(x >> 16));
}

static inline void tp_put_u64(uint8_t *p, uint64_t x) {
    tp_put_u32(p, (uint32_t)x);
    tp_put_u32(p + 4, (uint32_t)(x >> 32));
}

#endif
