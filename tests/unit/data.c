#include "tests/unit/data.h"

#include <stdio.h>
#include <stdlib.h>

uint8_t *test_data(const char *name, size_t *n) {
    const char *folder = getenv("TINYPEFT_DATA");
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s",
                   folder != NULL ? folder : "../shared/data", name);
    return test_file(path, n);
}

uint8_t *test_file(const char *path, size_t *n) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    (void)fseek(file, 0, SEEK_END);
    const long length = ftell(file);
    rewind(file);
    uint8_t *bytes = length < 0 ? NULL : malloc((size_t)length + 1);
    if (bytes != NULL &&
        fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        free(bytes);
        bytes = NULL;
    }
    *n = length < 0 ? 0 : (size_t)length;
    (void)fclose(file);
    return bytes;
}
