/* A golden file of the compiler, compiled. */
#include "tests/golden/tiny_mlp.c"
#include "tests/golden/tiny_mlp_weights.c"
