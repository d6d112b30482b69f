/* The little that is wanted beyond cJSON. */
#ifndef TP_CLI_JSON_H
#define TP_CLI_JSON_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "compiler/diag.h"

/* Once, before anything else: from here on an allocation of cJSON's that
 * fails ends the program, so that no caller has to check for it. */
void tp_json_start(void);

/* Prints and frees. */
void tp_json_print(cJSON *json);

/* The text, ending in a newline, in the arena; NULL: out of memory. Frees
 * `json`. */
char *tp_json_text(tp_arena *arena, cJSON *json);

/* A real number rounded to 9 digits: all a float has, without its tail. */
void tp_json_add_float(cJSON *object, const char *key, double value);

/* Array [n] of 32-bit integers. */
void tp_json_add_ints(cJSON *object, const char *key, const int32_t *value,
                      int n);

/* The string at `key` (then `sub`, where not NULL), or NULL. */
const char *tp_json_string(const cJSON *json, const char *key, const char *sub);

#endif
