/* Real models and recordings for tests: $TINYPEFT_DATA, else ../shared/data. */
#ifndef TP_TESTS_DATA_H
#define TP_TESTS_DATA_H

#include <stddef.h>
#include <stdint.h>

/* The file's bytes (free() them), or NULL where it is absent, which it says:
 * the reason of the skip() that follows. `name` is relative to the data folder,
 * but zoo/... is that of the tree itself, which is never absent. */
uint8_t *test_data(const char *name, size_t *n);

/* A keyword spotter's .tflite: MLPerf Tiny's, or where there is no data that of
 * the zoo, which has its shape but other names behind conv8. Never NULL. */
uint8_t *test_spotter(size_t *n);

#endif
