/* The memories that --region names. */
#ifndef TP_CLI_REGION_H
#define TP_CLI_REGION_H

#include "cli/cli.h"

/* Every --region of the command line, in that order; without a rank the first
 * is the fastest. */
TP_MUST_CHECK tp_status tp_regions_parse(tp_cli *cli,
                                         tp_region region[TP_MAX_REGIONS],
                                         int *n);

#endif
