/* --region NAME=ADDRESS+SIZE[,rank=N]. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/region.h"

static const char form[] =
    "NAME=ADDRESS+SIZE[,rank=N], such as dtcm=0x20000000+64K";

static tp_status bad(tp_cli *cli, const char *text, const char *what) {
    return tp_error(&cli->diag, TP_ERR_ARGUMENT, "--region %s: %s; write %s",
                    text, what, form);
}

/* A number at *at, decimal or 0x..., with K or M where `units`. */
static bool read_number(const char **at, bool units, uint32_t *value) {
    char *end = NULL;
    if (strchr("0123456789", **at) == NULL || **at == '\0') {
        return false;
    }
    errno = 0;
    unsigned long long n = strtoull(*at, &end, 0);
    if (units && (*end == 'K' || *end == 'M')) {
        n *= *end == 'K' ? 1024 : 1024 * 1024;
        end++;
    }
    *at = end;
    *value = (uint32_t)n;
    return errno == 0 && n <= UINT32_MAX;
}

static bool is_word(const char *text, size_t n) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    return n > 0 && n <= 24 && strspn(text, letters) > 0 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") >= n;
}

static tp_status parse(tp_cli *cli, const char *text, tp_region *region) {
    const char *equals = strchr(text, '=');
    const size_t n = equals != NULL ? (size_t)(equals - text) : 0;
    if (equals == NULL || !is_word(text, n)) {
        return bad(cli, text,
                   "the name is not a word of at most 24 of a-z, 0-9 and _");
    }
    const char *name = tp_arena_printf(&cli->arena, "%.*s", (int)n, text);
    if (name == NULL) {
        return tp_no_memory(&cli->diag);
    }
    region->name = name;
    const char *at = equals + 1;
    if (!read_number(&at, false, &region->address) || *at != '+') {
        return bad(cli, text, "no address of 32 bits, then +");
    }
    at++;
    if (!read_number(&at, true, &region->bytes) || region->bytes == 0) {
        return bad(cli, text, "no size in bytes, in K or in M");
    }
    uint32_t rank = 0;
    if (strncmp(at, ",rank=", 6) == 0) {
        at += 6;
        if (!read_number(&at, false, &rank) || rank > 1000) {
            return bad(cli, text, "the rank is not a number up to 1000");
        }
        region->rank = (int)rank;
    }
    return *at == '\0' ? TP_OK : bad(cli, text, "there is more at its end");
}

/* Neither a name nor a byte twice. */
static tp_status compare(tp_cli *cli, const tp_region *a, const tp_region *b) {
    if (strcmp(a->name, b->name) == 0) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--region %s: given twice; names differ", a->name);
    }
    const uint64_t end_a = (uint64_t)a->address + a->bytes;
    const uint64_t end_b = (uint64_t)b->address + b->bytes;
    if (a->address < end_b && b->address < end_a) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--region %s: shares addresses with %s", a->name,
                        b->name);
    }
    return TP_OK;
}

tp_status tp_regions_parse(tp_cli *cli, tp_region region[TP_MAX_REGIONS],
                           int *n) {
    const tp_texts *texts = &cli->options.region;
    if (texts->n > TP_MAX_REGIONS) {
        return tp_error(&cli->diag, TP_ERR_ARGUMENT,
                        "--region: given %d times; at most %d work", texts->n,
                        TP_MAX_REGIONS);
    }
    for (int i = 0; i < texts->n; i++) {
        region[i] = (tp_region){.name = "", .rank = i};
        TP_TRY(parse(cli, texts->item[i], &region[i]));
        for (int j = 0; j < i; j++) {
            TP_TRY(compare(cli, &region[i], &region[j]));
        }
    }
    *n = texts->n;
    return TP_OK;
}
