/* An HTML page as text: one file with its style, no script and nothing from
 * outside. Texts are escaped here, so callers give them as they are. */
#ifndef TP_CLI_HTML_H
#define TP_CLI_HTML_H

#include <stdbool.h>

#include "compiler/text_buffer.h"

/* Up to the page's content. */
void tp_html_begin(tp_text *out, const char *title);
void tp_html_end(tp_text *out);

/* Escaped text; as an element of its own, such as "p" or "h3"; NULL class:
 * none. A text of NULL ran out of memory: out->failed is set. */
void tp_html_text(tp_text *out, const char *text);
void tp_html_element(tp_text *out, const char *tag, const char *class,
                     const char *text);

/* A section with a heading; `id` is its place in the page's menu. */
void tp_html_section(tp_text *out, const char *id, const char *heading);
void tp_html_end_section(tp_text *out);

/* A table. `align` has a letter a column: 'l', 'r', or 'w' for long texts,
 * which wrap. Wide tables scroll. */
void tp_html_table(tp_text *out, const char *align, const char *const *head);
void tp_html_row(tp_text *out, const char *align, const char *class,
                 const char *const *cell);
void tp_html_end_table(tp_text *out);

/* A picture that is SVG text; it scrolls where it is wider than the page. */
void tp_html_figure(tp_text *out, const char *class, const char *svg,
                    const char *caption);

/* A part that the reader opens. */
void tp_html_details(tp_text *out, const char *summary);
void tp_html_end_details(tp_text *out);

/* A figure in a box: a large value, and what it is. */
void tp_html_tile(tp_text *out, const char *value, const char *unit,
                  const char *what);

#endif
