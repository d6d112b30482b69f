#include "tests/unit/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *test_data(const char *name, size_t *n) {
    const char *named = getenv("TINYPEFT_DATA");
    const char *folder = named != NULL ? named : "../shared/data";
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s",
                   strncmp(name, "zoo/", 4) == 0 ? "." : folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)printf("skipped: no data: %s\n", path);
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

uint8_t *test_spotter(size_t *n) {
    uint8_t *bytes = test_data("models/kws_ref_model.tflite", n);
    return bytes != NULL ? bytes : test_data("zoo/words/words.tflite", n);
}
