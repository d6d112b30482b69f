/* A plugin of QEMU's code generator: how often each instruction is executed, in
 * regions. A region begins whenever execution reaches a marked address, so the
 * program under test needs no marker of its own: what is counted is what ships.
 *
 *   qemu-system-arm -plugin libtp_count.so,marks=FILE,out=FILE ...
 *
 * marks: addresses in hexadecimal, a line each. An address must be one where a
 * block of translated code begins: the entry of a function, or what follows a
 * call. out, a line each:
 *
 *   block ID ADDRESS...   the instructions of a block, before its first count
 *   mark ADDRESS          a region begins
 *   count ID TIMES NEXT TIMES-NEXT
 *                         how often a block ran in that region, and how often
 *                         the block at NEXT came behind it: where one ends with
 *                         a condition, this tells how often that held
 *
 * Blocks are counted, not instructions: a block that is entered is run to its
 * end, unless it faults. An instruction whose condition fails counts as one. */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/qemu/plugin/plugin.h"

int qemu_plugin_version = TP_QEMU_PLUGIN_VERSION;

enum { MOST_MARKS = 4096 };

#define NONE UINT64_MAX

/* One translation; the same code may be translated more than once. */
typedef struct block {
    struct block *older;
    uint64_t address;
    uint64_t count;
    uint64_t next; /* the first that ever came behind it */
    uint64_t next_count;
    uint64_t id;
    bool mark;
} block;

static block *blocks;
static block *last;
static FILE *out;
static uint64_t marks[MOST_MARKS];
static size_t n_marks;

static void close_region(void) {
    for (block *b = blocks; b != NULL; b = b->older) {
        if (b->count > 0) {
            fprintf(out,
                    "count %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIu64 "\n",
                    b->id, b->count, b->next, b->next_count);
        }
        b->count = 0;
        b->next_count = 0;
    }
}

static void on_execution(unsigned int vcpu, void *data) {
    block *b = data;
    (void)vcpu;
    if (last != NULL) {
        last->next = last->next == NONE ? b->address : last->next;
        last->next_count += last->next == b->address;
    }
    last = b;
    if (b->mark) {
        close_region();
        fprintf(out, "mark %" PRIx64 "\n", b->address);
    }
    b->count++;
}

static bool is_mark(uint64_t address) {
    for (size_t i = 0; i < n_marks; i++) {
        if (marks[i] == address) {
            return true;
        }
    }
    return false;
}

static void on_translation(uint64_t id, struct qemu_plugin_tb *tb) {
    block *b = calloc(1, sizeof *b);
    if (b == NULL) {
        abort();
    }
    (void)id;
    b->older = blocks;
    b->id = blocks == NULL ? 0 : blocks->id + 1;
    b->address = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, 0));
    b->next = NONE;
    b->mark = is_mark(b->address);
    blocks = b;
    fprintf(out, "block %" PRIu64, b->id);
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        fprintf(out, " %" PRIx64,
                qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i)));
    }
    fprintf(out, "\n");
    qemu_plugin_register_vcpu_tb_exec_cb(tb, on_execution, 0, b);
}

static void on_exit(uint64_t id, void *data) {
    (void)id;
    (void)data;
    close_region();
    if (fclose(out) != 0) {
        perror("tp_count");
    }
}

static bool read_marks(const char *path) {
    char line[32];
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        return false;
    }
    while (n_marks < MOST_MARKS && fgets(line, sizeof line, in) != NULL) {
        marks[n_marks++] = strtoull(line, NULL, 16);
    }
    return fclose(in) == 0 && n_marks < MOST_MARKS;
}

int qemu_plugin_install(uint64_t id, const struct qemu_info_t *info, int argc,
                        char **argv) {
    bool good = true;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "marks=", 6) == 0) {
            good = good && read_marks(argv[i] + 6);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        }
    }
    if (!good || out == NULL) {
        fprintf(stderr, "tp_count: cannot read marks or write out\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_exit, NULL);
    return 0;
}
