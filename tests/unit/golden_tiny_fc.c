/* A golden file of the compiler, compiled. */
#include "tests/golden/tiny_fc.c"
#include "tests/golden/tiny_fc_weights.c"
