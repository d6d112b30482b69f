/* A golden file of the compiler, compiled. */
#include "tests/golden/tiny_residual.c"
#include "tests/golden/tiny_residual_weights.c"
