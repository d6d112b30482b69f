/* Real models and recordings for tests: $TINYPEFT_DATA, else ../shared/data. */
#ifndef TP_TESTS_DATA_H
#define TP_TESTS_DATA_H

#include <stddef.h>
#include <stdint.h>

/* The file's bytes (free() them), or NULL where it is absent. `name` is
 * relative to the data folder. */
uint8_t *test_data(const char *name, size_t *n);

/* The same of any path; a relative one starts at the root of the tree. */
uint8_t *test_file(const char *path, size_t *n);

#endif
