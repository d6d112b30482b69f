/* Deltas that arrive in parts, with the power gone at any moment in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/cose.h"
#include "core/crc32.h"
#include "core/rng.h"
#include "core/sha256.h"
#include "tests/power/nor.h"
#include "tinypeft/adapter.h"
#include "tinypeft/update.h"
#include "tinypeft/version.h"

enum { SECTOR = 512, SECTORS = 16, SLOT = 2, GRANULE = 8 };
enum { ADAPTER = 152, BLOB = ADAPTER + TP_BLOB_HEADER_BYTES, PART = 100 };

typedef struct fixture {
    nor nor;
    tp_flash flash;
    tp_store store;
    tp_model model;
    tp_key key;
    tp_crypto crypto;
    tp_device device;
    uint8_t blob[BLOB];
    uint8_t delta[640];
    uint32_t n; /* its bytes */
} fixture;

static const uint8_t public_key[65] = {4};
static const uint8_t signature[64] = {7, 8, 9};

/* A signature is one number: what is tested here is what becomes of bytes. */
static uint32_t verify(void *ctx, const tp_key *key, const uint8_t *message,
                       uint32_t bytes, const uint8_t *sign, uint32_t n) {
    (void)ctx, (void)key, (void)message, (void)bytes;
    return n == sizeof signature && memcmp(sign, signature, n) == 0
               ? TP_VERIFIED
               : 0;
}

static void hash(const void *bytes, size_t n, uint8_t digest[32]) {
    tp_sha256 sha;
    tp_sha256_init(&sha);
    tp_sha256_add(&sha, bytes, n);
    tp_sha256_done(&sha, digest);
}

static void make_delta(fixture *f, uint64_t seq) {
    uint8_t body[TP_COSE_MOST_MANIFEST];
    uint8_t guard[TP_COSE_MOST_PROTECTED];
    uint8_t id[32];
    tp_manifest m = {.format = TP_DELTA_FORMAT,
                     .payload_bytes = BLOB,
                     .seq = seq,
                     .abi = TP_ABI,
                     .device_class = 9,
                     .base = {1, 2, 3},
                     .adapter = 3,
                     .layout = 77,
                     .encoding = TP_ENCODING_BLOB,
                     .blob_bytes = BLOB,
                     .blob_crc = tp_crc32(0, f->blob, BLOB)};
    hash(f->blob, BLOB, m.blob_sha256);
    hash(public_key, sizeof public_key, id);
    const tp_cose c = {.protected_bytes = guard,
                       .protected_n =
                           tp_cose_protected(TP_COSE_ES256, id, guard),
                       .payload = body,
                       .payload_n = tp_cose_manifest(&m, body),
                       .signature = signature,
                       .signature_n = sizeof signature};
    const size_t head = tp_cose_write(&c, f->delta);
    memcpy(f->delta + head, f->blob, BLOB);
    f->n = (uint32_t)head + BLOB;
}

static void start(fixture *f) {
    memset(f, 0, sizeof *f);
    nor_init(&f->nor, GRANULE, true, SECTOR, SECTORS);
    f->flash = nor_flash(&f->nor);
    f->model = (tp_model){
        .adapter_bytes = ADAPTER, .layout_id = 77, .base_sha256 = {1, 2, 3}};
    f->key = (tp_key){TP_COSE_ES256, public_key, sizeof public_key};
    f->crypto = (tp_crypto){.verify = verify};
    f->device = (tp_device){.model = &f->model,
                            .device_class = 9,
                            .keys = &f->key,
                            .n_keys = 1,
                            .crypto = &f->crypto};
    for (int i = 0; i < BLOB; i++) {
        f->blob[i] = (uint8_t)(3 * i);
    }
    make_delta(f, 5);
    assert_int_equal(tp_store_mount(&f->store, &f->flash, SLOT), TP_OK);
}

static void mount(fixture *f) {
    assert_int_equal(tp_store_mount(&f->store, &f->flash, SLOT), TP_OK);
}

/* Sends from where the device says until all is there. */
static void send_rest(fixture *f, uint32_t part) {
    uint32_t at = tp_update_kept(&f->store);
    while (at < f->n) {
        const uint32_t n = f->n - at < part ? f->n - at : part;
        assert_int_equal(tp_update_keep(&f->store, at, f->delta + at, n),
                         TP_OK);
        assert_int_equal(tp_update_kept(&f->store), at + n);
        at += n;
    }
}

static tp_status take(fixture *f) {
    tp_update update;
    uint8_t head[320];
    return tp_update_take(&update, &f->store, &f->device, head, sizeof head);
}

static void is_on_trial(fixture *f) {
    tp_record record;
    uint8_t have[BLOB];
    assert_int_equal(tp_store_chosen(&f->store, true, &record), TP_OK);
    assert_int_equal(record.bytes, BLOB);
    assert_int_equal(tp_store_load(&f->store, &record, have), TP_OK);
    assert_memory_equal(have, f->blob, BLOB);
    assert_int_equal(tp_update_kept(&f->store), 0);
    assert_null(f->nor.broken);
}

/* --- without cuts --------------------------------------------------------- */

static void parts_of_any_size(void **state) {
    static fixture f;
    (void)state;
    for (uint32_t part = 7; part < 600; part += 31) {
        start(&f);
        send_rest(&f, part);
        mount(&f);
        assert_int_equal(take(&f), TP_OK);
        is_on_trial(&f);
        assert_int_equal(take(&f), TP_ERR_NOT_FOUND);
    }
}

static void goes_on_after_a_reset(void **state) {
    static fixture f;
    (void)state;
    start(&f);
    for (uint32_t at = 0; at < f.n; at += PART) {
        const uint32_t n = f.n - at < PART ? f.n - at : PART;
        mount(&f);
        assert_int_equal(tp_update_kept(&f.store), at);
        assert_int_equal(take(&f),
                         at == 0 ? TP_ERR_NOT_FOUND : TP_ERR_TRUNCATED);
        assert_int_equal(tp_update_keep(&f.store, at, f.delta + at, n), TP_OK);
    }
    assert_int_equal(take(&f), TP_OK);
    is_on_trial(&f);
}

static void parts_out_of_order(void **state) {
    static fixture f;
    (void)state;
    start(&f);
    assert_int_equal(tp_update_keep(&f.store, 10, f.delta, 10),
                     TP_ERR_ARGUMENT);
    assert_int_equal(tp_update_keep(&f.store, 0, f.delta, 0), TP_ERR_ARGUMENT);
    assert_int_equal(tp_update_keep(&f.store, 0, f.delta, PART), TP_OK);
    assert_int_equal(tp_update_keep(&f.store, 50, f.delta, 10),
                     TP_ERR_ARGUMENT);
    assert_int_equal(tp_update_keep(&f.store, PART, f.delta, UINT32_MAX - 50),
                     TP_ERR_BUDGET);
    assert_int_equal(tp_update_kept(&f.store), PART);
    /* Another one begins. */
    assert_int_equal(tp_update_keep(&f.store, 0, f.delta, 60), TP_OK);
    assert_int_equal(tp_update_kept(&f.store), 60);
    send_rest(&f, PART);
    assert_int_equal(take(&f), TP_OK);
    is_on_trial(&f);
}

/* What was refused is gone; the next may come. */
static void refused(void **state) {
    static fixture f;
    (void)state;
    start(&f);
    for (uint32_t i = 0; i < f.n; i += 11) {
        f.delta[i] ^= 1;
        send_rest(&f, 300);
        f.delta[i] ^= 1;
        const tp_status status = take(&f);
        assert_int_not_equal(status, TP_OK);
        assert_int_equal(f.store.choice.trial, 0);
        if (status == TP_ERR_TRUNCATED) { /* its form: more could come */
            continue;
        }
        assert_int_equal(tp_update_kept(&f.store), 0);
    }
    assert_int_equal(tp_update_keep(&f.store, 0, f.delta, 200), TP_OK);
    send_rest(&f, 200);
    assert_int_equal(take(&f), TP_OK);
    is_on_trial(&f);
}

/* Saves of another record wear the slots where it does not lie. */
static void wear(fixture *f, uint32_t saves) {
    tp_record other = {.kind = TP_RECORD_TRAINING, .id = 1, .bytes = BLOB};
    for (uint32_t i = 0; i < saves; i++) {
        assert_int_equal(tp_store_save(&f->store, &other, f->blob), TP_OK);
    }
}

/* Where what was kept lies, and with back = 1 where it lay. */
static uint32_t lies_in(const fixture *f, uint32_t back) {
    tp_record record;
    assert_int_equal(
        tp_store_find(&f->store, TP_RECORD_INCOMING, 0, back, &record), TP_OK);
    return record.slot;
}

/* To level wear, what was kept moves when a slot is taken for the next part or
 * for the adapter. It is looked for where it lies then. */
static void moves_to_level_wear(void **state) {
    static fixture f;
    uint32_t moved = 0;
    (void)state;
    for (uint32_t saves = 0; saves < 60; saves++) {
        start(&f);
        for (uint32_t at = 0; at < f.n; at += PART) {
            const uint32_t n = f.n - at < PART ? f.n - at : PART;
            wear(&f, saves);
            const uint32_t lay = at > 0 ? lies_in(&f, 0) : 0;
            assert_int_equal(tp_update_keep(&f.store, at, f.delta + at, n),
                             TP_OK);
            moved += at > 0 && lies_in(&f, 1) != lay;
        }
        wear(&f, saves);
        assert_int_equal(take(&f), TP_OK);
        is_on_trial(&f);
    }
    assert_true(moved > 0);
}

/* --- with cuts ------------------------------------------------------------ */

typedef enum act { KEEP_SECOND, TAKE } act;

/* Up to the act, whose operation number `cut` is cut. False: it has fewer. */
static bool cut_at(fixture *f, act what, uint32_t cut, nor_tear tear) {
    start(f);
    if (what == KEEP_SECOND) {
        assert_int_equal(tp_update_keep(&f->store, 0, f->delta, PART), TP_OK);
    } else {
        send_rest(f, 200);
    }
    f->nor.rng = tp_rng_seed(cut);
    f->nor.tear = tear;
    f->nor.cut_at = f->nor.ops + cut;
    if (setjmp(nor_power) == 0) {
        const tp_status status =
            what == TAKE
                ? take(f)
                : tp_update_keep(&f->store, PART, f->delta + PART, PART);
        assert_int_equal(status, TP_OK);
        f->nor.cut_at = 0;
        return false;
    }
    f->nor.cut_at = 0;
    return true;
}

/* After a cut the device says how much it has, and the sender goes on. */
static void cut_while_keeping(void **state) {
    static fixture f;
    uint32_t cuts = 0;
    (void)state;
    for (int tear = 0; tear < NOR_TEARS; tear++) {
        for (uint32_t cut = 1; cut_at(&f, KEEP_SECOND, cut, (nor_tear)tear);
             cut++, cuts++) {
            mount(&f);
            const uint32_t kept = tp_update_kept(&f.store);
            assert_true(kept == PART || kept == 2 * PART);
            send_rest(&f, 300);
            assert_int_equal(take(&f), TP_OK);
            is_on_trial(&f);
        }
    }
    print_message("%u cuts\n", (unsigned)cuts);
    assert_true(cuts > 200);
}

/* It was taken, or is there to be taken again. */
static void cut_while_taking(void **state) {
    static fixture f;
    uint32_t cuts = 0, again = 0;
    (void)state;
    for (int tear = 0; tear < NOR_TEARS; tear++) {
        for (uint32_t cut = 1; cut_at(&f, TAKE, cut, (nor_tear)tear);
             cut++, cuts++) {
            mount(&f);
            const uint32_t kept = tp_update_kept(&f.store);
            assert_true(kept == f.n || kept == 0);
            if (kept > 0) {
                assert_int_equal(take(&f), TP_OK);
                again++;
            }
            is_on_trial(&f);
        }
    }
    print_message("%u cuts, %u taken again\n", (unsigned)cuts, (unsigned)again);
    assert_true(cuts > 400 && again > 200 && again < cuts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_any_size),
        cmocka_unit_test(goes_on_after_a_reset),
        cmocka_unit_test(parts_out_of_order),
        cmocka_unit_test(refused),
        cmocka_unit_test(moves_to_level_wear),
        cmocka_unit_test(cut_while_keeping),
        cmocka_unit_test(cut_while_taking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
