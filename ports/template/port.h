/* A port to begin with: copy ports/template, and fill in what says FIXME. It
 * compiles as it is, and every hook fails, so that what was forgotten is seen
 * at once. What each hook has to keep is in tinypeft/port.h and
 * tinypeft/update.h.
 */
#ifndef TP_PORTS_TEMPLATE_H
#define TP_PORTS_TEMPLATE_H

#include "tinypeft/port.h"
#include "tinypeft/update.h"

extern const tp_flash tp_template_flash;   /* for tp_store_mount() */
extern const tp_clock tp_template_clock;   /* for the governor */
extern const tp_crypto tp_template_crypto; /* for signatures but HSS/LMS */

#endif
