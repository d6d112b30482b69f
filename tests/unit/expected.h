/* Texts that are committed and compared byte by byte. */
#ifndef TP_TESTS_EXPECTED_H
#define TP_TESTS_EXPECTED_H

#include "compiler/diag.h"

/* The file as a string in the arena, or NULL where there is none. */
char *test_text(tp_arena *arena, const char *path);

/* Fails the test unless the file holds exactly `text`, and prints where they
 * part. With TINYPEFT_UPDATE_GOLDEN=1 in the environment the file is written
 * instead: read the change as a diff before it is committed. */
void test_expect(const char *path, const char *text);

/* Fails the test, with the messages, unless the status is TP_OK. */
void test_ok(tp_status status, const tp_diag *diag);

#endif
