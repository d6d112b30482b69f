/* A golden file of the compiler, compiled. */
#include "tests/golden/odd_names.c"
#include "tests/golden/odd_names_weights.c"
