/* The four version numbers. Each changes for its own reason. */
#ifndef TINYPEFT_VERSION_H
#define TINYPEFT_VERSION_H

#define TP_VERSION "0.1.0" /* the library: semantic versioning */
#define TP_ABI 4           /* generated code <-> runtime */
#define TP_BLOB_FORMAT 1   /* bytes of a stored adapter, see SPEC.md */
#define TP_DELTA_FORMAT 1  /* head and payload of a signed delta */

#endif
