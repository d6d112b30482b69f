#include "cli/json.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked_malloc(size_t n) {
    void *memory = malloc(n);
    if (memory == NULL) {
        (void)fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

void tp_json_start(void) {
    cJSON_Hooks hooks = {checked_malloc, free};
    cJSON_InitHooks(&hooks);
}

void tp_json_print(cJSON *json) {
    char *text = cJSON_Print(json);
    printf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
}

char *tp_json_text(tp_arena *arena, cJSON *json) {
    char *text = cJSON_Print(json);
    char *copy = tp_arena_printf(arena, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
    return copy;
}

void tp_json_add_float(cJSON *object, const char *key, double value) {
    char text[32];
    (void)snprintf(text, sizeof text, "%.9g", value);
    (void)cJSON_AddNumberToObject(object, key, strtod(text, NULL));
}

void tp_json_add_ints(cJSON *object, const char *key, const int32_t *value,
                      int n) {
    cJSON *array = cJSON_AddArrayToObject(object, key);
    for (int i = 0; i < n; i++) {
        (void)cJSON_AddItemToArray(array, cJSON_CreateNumber(value[i]));
    }
}

const char *tp_json_string(const cJSON *json, const char *key,
                           const char *sub) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    if (sub != NULL) {
        item = cJSON_GetObjectItemCaseSensitive(item, sub);
    }
    return cJSON_GetStringValue(item);
}
