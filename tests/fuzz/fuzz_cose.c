/* Any bytes as the head of a delta: what is read is within them, and written
 * again it is the same bytes. The tool's reader, which also takes packages that
 * are not signed, is asked too. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cose.h"
#include "fleet/pack/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void demand(bool fact) {
    if (!fact) {
        abort();
    }
}

static bool within(const uint8_t *part, size_t part_n, const uint8_t *bytes,
                   size_t n) {
    return part >= bytes && part_n <= n && part <= bytes + n - part_n;
}

/* One form only: from its parts, and from its manifest, come the same bytes. */
static void write_again(const tp_cose *c, const uint8_t *bytes) {
    uint8_t manifest[TP_COSE_MOST_MANIFEST];
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t message[TP_COSE_MOST_SIGNED];
    uint8_t *head = malloc(c->bytes + 1);
    tp_cose again = *c;
    demand(tp_cose_manifest(&c->manifest, manifest) == c->payload_n);
    demand(tp_cose_protected(c->algorithm, c->key_id, guard) == c->protected_n);
    again.payload = manifest;
    again.protected_bytes = guard;
    if (head != NULL) {
        demand(tp_cose_write(&again, head) == c->bytes);
        demand(memcmp(head, bytes, c->bytes) == 0);
    }
    free(head);
    const size_t n = tp_cose_signed(c, message);
    demand(n > 0 && n <= sizeof message);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    tp_cose c;
    tp_package p;
    const bool read = tp_cose_read(bytes, n, &c);
    if (read) {
        demand(c.bytes <= n);
        demand(within(c.protected_bytes, c.protected_n, bytes, n));
        demand(within(c.payload, c.payload_n, bytes, n));
        demand(within(c.signature, c.signature_n, bytes, n));
        write_again(&c, bytes);
    }
    if (tp_package_read(bytes, n, &p)) {
        demand(p.is_signed == read);
        demand(p.payload_n == 0 || within(p.payload, p.payload_n, bytes, n));
    } else {
        demand(!read);
    }
    return 0;
}
