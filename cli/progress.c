#define _POSIX_C_SOURCE 200809L

#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 24 /* of the bar */

static double now(void) {
    struct timespec t;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0) {
        return 0;
    }
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void tp_progress_start(tp_progress *progress, const char *what, bool force) {
    const bool terminal = isatty(STDERR_FILENO) == 1;
    const double t = now();
    *progress = (tp_progress){.what = what,
                              .enabled = terminal || force,
                              .terminal = terminal,
                              .start = t,
                              .next = force && !terminal ? t : t + 1.0};
}

bool tp_progress_due(const tp_progress *progress) {
    return progress->enabled && now() >= progress->next;
}

void tp_progress_draw(tp_progress *progress, size_t done, size_t total,
                      const char *text) {
    char bar[WIDTH + 1];
    const size_t full = total > 0 ? done * WIDTH / total : WIDTH;
    const double percent =
        total > 0 ? 100.0 * (double)done / (double)total : 100;
    memset(bar, '.', WIDTH);
    memset(bar, '#', full < WIDTH ? full : WIDTH);
    bar[WIDTH] = '\0';
    const double t = now();
    (void)fprintf(stderr, "%s%s [%s] %3.0f %%  %.0f s%s%s%s",
                  progress->terminal ? "\r\033[K" : "", progress->what, bar,
                  percent, t - progress->start, text[0] != '\0' ? "  " : "",
                  text, progress->terminal ? "" : "\n");
    (void)fflush(stderr);
    progress->shown = true;
    /* A log file wants fewer lines than a terminal. */
    progress->next = t + (progress->terminal ? 0.1 : 1.0);
}

void tp_progress_end(tp_progress *progress) {
    if (progress->shown && progress->terminal) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
    }
    progress->enabled = false;
}
