/* A shortest path: in each byte of the blob, each way to say it is a state; to
 * stay in it costs its bits a byte, to change costs the head of a segment.
 * Sparse segments are priced by what their pairs take. */
#include "fleet/pack/encode.h"

#include <stdlib.h>
#include <string.h>

#include "core/unpack.h"

/* Ways: an operation with its parameter. */
typedef struct way {
    uint8_t operation, parameter;
    bool has_parameter;
    uint8_t bits; /* a byte; of sparse, a byte that is not 0 */
} way;

enum { WAYS = 32, TERNARIES = 8, HEAD_BITS = 24, SPARSE_BITS = 16 };
enum { FRAME = 40 }; /* bytes of a blob's header before its checksums */

typedef struct encoder {
    const uint8_t *blob, *before;
    size_t n;
    way ways[WAYS];
    int n_ways;
} encoder;

size_t tp_encode_most(size_t n) {
    return n + n / 64 + 16;
}

static void add(encoder *e, tp_segment operation, uint8_t bits) {
    e->ways[e->n_ways++] = (way){.operation = (uint8_t)operation, .bits = bits};
}

static void add_with(encoder *e, tp_segment operation, int parameter,
                     uint8_t bits) {
    add(e, operation, bits);
    e->ways[e->n_ways - 1].parameter = (uint8_t)parameter;
    e->ways[e->n_ways - 1].has_parameter = true;
}

/* The magnitudes that occur most: one ternary way for each. */
static void add_ternaries(encoder *e) {
    size_t times[128] = {0};
    for (size_t i = 0; i < e->n; i++) {
        const int v = (int8_t)e->blob[i];
        times[v < 0 ? -v & 127 : v]++;
    }
    times[0] = 0;
    for (int k = 0; k < TERNARIES; k++) {
        int most = 1;
        for (int m = 1; m < 128; m++) {
            most = times[m] > times[most] ? m : most;
        }
        add_with(e, TP_SEGMENT_TERNARY, most, 2);
        times[most] = 0;
    }
}

static void list_ways(encoder *e) {
    add(e, TP_SEGMENT_LITERAL, 8);
    add(e, TP_SEGMENT_ZEROS, 0);
    add(e, TP_SEGMENT_SPARSE, SPARSE_BITS);
    for (int s = 0; s <= 4; s++) {
        add_with(e, TP_SEGMENT_INT4, s, 4);
    }
    add_ternaries(e);
    add(e, TP_SEGMENT_COPY, 0);
    for (int s = 0; s <= 4; s++) {
        add_with(e, TP_SEGMENT_ADD4, s, 4);
    }
}

static bool is_code(uint8_t byte, int shift) {
    const int v = (int8_t)byte;
    const int code = v >> shift;
    return (code * (1 << shift)) == v && code >= -8 && code <= 7;
}

static bool can_say(const encoder *e, const way *w, size_t i) {
    const uint8_t byte = e->blob[i];
    const uint8_t change = (uint8_t)(byte - e->before[i]);
    switch (w->operation) {
    case TP_SEGMENT_ZEROS:
        return byte == 0;
    case TP_SEGMENT_INT4:
        return is_code(byte, w->parameter);
    case TP_SEGMENT_TERNARY:
        return byte == 0 || byte == w->parameter ||
               byte == (uint8_t)-w->parameter;
    case TP_SEGMENT_COPY:
        return change == 0;
    case TP_SEGMENT_ADD4:
        return is_code(change, w->parameter);
    default:
        return true;
    }
}

static uint32_t price(const encoder *e, const way *w, size_t i) {
    return w->operation == TP_SEGMENT_SPARSE && e->blob[i] == 0 ? 0 : w->bits;
}

/* from[i * n_ways + w]: the way of byte i - 1 on the cheapest path on which
 * byte i is said by w. Returns the way of the last byte. */
static int cheapest(const encoder *e, uint8_t *from) {
    uint32_t cost[WAYS] = {0};
    int best = 0;
    for (size_t i = 0; i < e->n; i++) {
        const uint32_t least = i == 0 ? 0 : cost[best];
        uint32_t next[WAYS];
        int next_best = 0;
        for (int w = 0; w < e->n_ways; w++) {
            const uint32_t change = least + HEAD_BITS;
            const bool stay = i > 0 && cost[w] <= change;
            from[i * WAYS + (size_t)w] = (uint8_t)(stay ? w : best);
            next[w] = can_say(e, &e->ways[w], i)
                          ? (stay ? cost[w] : change) + price(e, &e->ways[w], i)
                          : UINT32_MAX / 2;
            next_best = next[w] < next[next_best] ? w : next_best;
        }
        memcpy(cost, next, sizeof cost);
        best = next_best;
    }
    return best;
}

/* --- writing -------------------------------------------------------------- */

static uint8_t *put_count(uint8_t *out, size_t n) {
    for (; n >= 0x80; n >>= 7) {
        *out++ = (uint8_t)(n | 0x80);
    }
    *out++ = (uint8_t)n;
    return out;
}

static uint8_t *put_codes(uint8_t *out, const uint8_t *bytes,
                          const uint8_t *less, size_t n, int shift) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t v = (uint8_t)(bytes[i] - (less != NULL ? less[i] : 0));
        const uint8_t code = (uint8_t)(((int8_t)v >> shift) & 15);
        if (i % 2 == 0) {
            *out++ = code;
        } else {
            out[-1] = (uint8_t)(out[-1] | code << 4);
        }
    }
    return out;
}

static uint8_t *put_ternaries(uint8_t *out, const uint8_t *bytes, size_t n,
                              uint8_t m) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t code = bytes[i] == 0 ? 0 : bytes[i] == m ? 1 : 3;
        if (i % 4 == 0) {
            *out++ = 0;
        }
        out[-1] = (uint8_t)(out[-1] | code << i % 4 * 2);
    }
    return out;
}

static uint8_t *put_sparse(uint8_t *out, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n;) {
        uint8_t gap = 0;
        while (i < n && bytes[i] == 0 && gap < 255) {
            gap++;
            i++;
        }
        *out++ = gap;
        if (i < n) {
            *out++ = bytes[i++];
            if (i == n) {
                break; /* a value ends it too */
            }
        }
    }
    return out;
}

static uint8_t *put_segment(const encoder *e, const way *w, size_t at, size_t n,
                            uint8_t *out) {
    const uint8_t *bytes = e->blob + at;
    *out++ = w->operation;
    out = put_count(out, n);
    if (w->has_parameter) {
        *out++ = w->parameter;
    }
    switch (w->operation) {
    case TP_SEGMENT_LITERAL:
        memcpy(out, bytes, n);
        return out + n;
    case TP_SEGMENT_INT4:
        return put_codes(out, bytes, NULL, n, w->parameter);
    case TP_SEGMENT_ADD4:
        return put_codes(out, bytes, e->before + at, n, w->parameter);
    case TP_SEGMENT_TERNARY:
        return put_ternaries(out, bytes, n, w->parameter);
    case TP_SEGMENT_SPARSE:
        return put_sparse(out, bytes, n);
    default:
        return out;
    }
}

/* said[i]: the way of each byte. */
static size_t write_segments(const encoder *e, const uint8_t *said,
                             uint8_t *out) {
    uint8_t *end = out;
    for (size_t i = 0; i < e->n;) {
        size_t last = i + 1;
        while (last < e->n && said[last] == said[i]) {
            last++;
        }
        end = put_segment(e, &e->ways[said[i]], i, last - i, end);
        i = last;
    }
    return (size_t)(end - out);
}

/* Bytes of an empty blob: the header of this one without its checksums. */
static void make_empty(const uint8_t *blob, size_t n, uint8_t *empty) {
    memset(empty, 0, n);
    memcpy(empty, blob, n < FRAME ? n : FRAME);
}

size_t tp_encode(const uint8_t *blob, const uint8_t *before, size_t n,
                 uint8_t *out) {
    uint8_t *memory = malloc(n * (WAYS + 2) + 1);
    if (memory == NULL) {
        return 0;
    }
    uint8_t *empty = memory;
    uint8_t *said = memory + n;
    uint8_t *from = memory + 2 * n;
    encoder e = {.blob = blob, .before = before, .n = n};
    if (before == NULL) {
        make_empty(blob, n, empty);
        e.before = empty;
    }
    list_ways(&e);
    int w = cheapest(&e, from);
    for (size_t i = n; i > 0; i--) {
        said[i - 1] = (uint8_t)w;
        w = from[(i - 1) * WAYS + (size_t)w];
    }
    const size_t bytes = write_segments(&e, said, out);
    free(memory);
    return bytes;
}
