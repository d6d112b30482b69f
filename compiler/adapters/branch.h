/* What the kinds share that put a low-rank branch beside a convolution or a
 * fully connected layer: y += B (A x) in real units. They differ in where the
 * weights A and B come from: parameters, or ops that compute them. */
#ifndef TP_COMPILER_ADAPTER_BRANCH_H
#define TP_COMPILER_ADAPTER_BRANCH_H

#include "compiler/adapters/adapters.h"

/* misfit() of these kinds. */
const char *tp_branch_misfit(const tp_graph *graph, int at);

/* The tensors A [rank][k_h][k_w][in_c] or [rank][in] and B [out][rank] of the
 * slot `at`, role TP_VALUE, called "<slot>.<role>"; the name is NULL where
 * there is no memory. */
tp_tensor tp_branch_a(const tp_graph *graph, int at, int rank);
tp_tensor tp_branch_b(const tp_graph *graph, int at, int rank);
/* 1/sqrt(inputs of a): u = A x then has the size of x. */
double tp_branch_std(const tp_tensor *a);
/* Seed of a slot's random numbers: that of the spec, told apart by name. */
int32_t tp_branch_seed(int seed, const char *slot);

/* Inserts an op before the slot that computes `weights`, and gives the new
 * tensor; -1: no memory. */
int tp_branch_derive(tp_graph *graph, const char *slot, const tp_op *op,
                     const tp_tensor *weights);
/* Frozen random A: standard deviation tp_branch_std(), no gradient. Of an A
 * that was pruned, `keep` says which of its first ranks are left; 0: all. */
int tp_branch_random_a(tp_graph *graph, const char *slot, int rank, int keep,
                       int32_t seed);
/* Adds the weights as a parameter of 8, 4 or 2 bits, and for fewer than 8 an op
 * before the slot that unpacks them; `axis` is that of the ranks. Gives the
 * tensor of int8 weights; -1: no memory. */
int tp_branch_param(tp_graph *graph, const char *slot, tp_tensor weights,
                    int bits, int axis);

/* Puts the branch with tensors a and b into the slot. */
tp_status tp_branch_insert(tp_graph *graph, const char *slot, int a, int b,
                           tp_diag *diag);

#endif
