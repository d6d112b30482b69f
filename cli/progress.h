/* One line on stderr that shows how far something is. It appears after a
 * second, on a terminal only, and is wiped at the end. Forced where there is
 * no terminal it is a line a second, from the start on. */
#ifndef TP_CLI_PROGRESS_H
#define TP_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tp_progress {
    const char *what; /* "training" */
    bool enabled;
    bool terminal;
    bool shown;
    double start; /* seconds */
    double next;  /* when to draw again */
} tp_progress;

void tp_progress_start(tp_progress *progress, const char *what, bool force);
/* Is it time to draw? Then the caller makes its text and calls ..._draw(). */
bool tp_progress_due(const tp_progress *progress);
/*   text  behind the bar, such as the loss; may be "" */
void tp_progress_draw(tp_progress *progress, size_t done, size_t total,
                      const char *text);
void tp_progress_end(tp_progress *progress);

#endif
