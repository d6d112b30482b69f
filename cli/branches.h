/* The low-rank branches of a trained adapter, for pruning: which ranks matter,
 * what is left, and how many bytes each way of storing them takes. */
#ifndef TP_CLI_BRANCHES_H
#define TP_CLI_BRANCHES_H

#include "cli/session.h"

#define TP_BRANCH_RANKS 16

typedef struct tp_branch {
    const char *slot;
    int rank;
    const tp_param *a; /* [rank][taps]; NULL: drawn from a seed */
    const tp_param *b; /* [out][rank] */
    uint32_t taps, out;
    double score[TP_BRANCH_RANKS]; /* |A_r| |B_r| in real units */
    bool keep[TP_BRANCH_RANKS];
} tp_branch;

typedef struct tp_branches {
    tp_branch *item;
    int n, ranks; /* branches; ranks of all of them */
} tp_branches;

/* The branches that can be pruned: int8, B a parameter. There may be none. */
TP_MUST_CHECK tp_status tp_branches_list(tp_cli *cli, const tp_session *session,
                                         tp_branches *out);

/* The same. TP_ERR_UNSUPPORTED: there is none. */
TP_MUST_CHECK tp_status tp_branches_find(tp_cli *cli, const tp_session *session,
                                         tp_branches *out);

/* Keeps the `n` ranks with the highest scores, over all branches. */
void tp_branches_keep(tp_branches *branches, int n);
int tp_branch_kept(const tp_branch *branch);

/* Bytes that the kept ranks of all branches take in an adapter, at 8, 4 or 2
 * bits. */
uint32_t tp_branches_bytes(const tp_branches *branches, int bits);

/* Bytes of all branches where half of the weights (the smallest in real units)
 * are dropped and the rest is kept as compressed sparse rows: for each matrix
 * its exponent, 16-bit row starts, column numbers of 8 or 16 bits, values. It
 * is really encoded, and decoded again; 0: no memory, or they differ. */
uint32_t tp_branches_csr(tp_arena *arena, const tp_branches *branches,
                         const uint8_t *adapter);

/* Bytes where instead half of the rows of each B (outputs) and half of the
 * columns of each A (inputs) are dropped: the rest dense, beside their numbers.
 */
uint32_t tp_branches_lines(const tp_branches *branches);

#endif
