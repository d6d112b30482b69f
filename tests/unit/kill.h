/* A program that kills itself at its calls of the system, through which it
 * writes files: link with -Wl,--wrap= for each of them. */
#ifndef TP_TESTS_KILL_H
#define TP_TESTS_KILL_H

#include <signal.h>
#include <sys/types.h>

static int calls, kill_at; /* 0: never; odd: before a call, even: after it */

static void count(void) {
    calls++;
    if (calls == kill_at) {
        (void)raise(SIGKILL);
    }
}

#define WRAP(type, name, parameters, arguments)                                \
    type __real_##name parameters;                                             \
    type __wrap_##name parameters;                                             \
    type __wrap_##name parameters {                                            \
        count();                                                               \
        const type result = __real_##name arguments;                           \
        count();                                                               \
        return result;                                                         \
    }

WRAP(ssize_t, write, (int f, const void *b, size_t n), (f, b, n))
WRAP(int, fsync, (int f), (f))
WRAP(int, rename, (const char *a, const char *b), (a, b))
WRAP(int, unlink, (const char *a), (a))
WRAP(int, close, (int f), (f))
WRAP(int, flock, (int f, int how), (f, how))

#endif
