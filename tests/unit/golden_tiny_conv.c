/* A golden file of the compiler, compiled. */
#include "tests/golden/tiny_conv.c"
#include "tests/golden/tiny_conv_weights.c"
