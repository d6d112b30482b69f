#include "cli/html.h"

#include <string.h>

/* Light and dark by the reader's setting; readable on a telephone and on
 * paper. */
static const char style[] =
    ":root{--bg:#fff;--fg:#1f2328;--soft:#59636e;--line:#d8dee4;--box:#f6f8fa;"
    "--mark:#0072b2;color-scheme:light dark}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;"
    "--soft:#9198a1;--line:#2a313c;--box:#151b23;--mark:#58a6dd}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);"
    "color:var(--fg);font:15px/1.55 system-ui,sans-serif}\n"
    "main,header,nav{max-width:1080px;margin:0 auto;padding:0 20px}\n"
    "header{padding-top:36px}h1{font-size:28px;line-height:1.2;margin:0 0 6px}"
    "h2{font-size:20px;margin:0 0 10px}h3{font-size:15px;margin:22px 0 6px}\n"
    "p{margin:0 0 12px;max-width:75ch}.soft{color:var(--soft)}"
    ".small{font-size:13px}\n"
    "nav{position:sticky;top:0;background:var(--bg);padding-top:8px;"
    "padding-bottom:8px;border-bottom:1px solid var(--line);"
    "font-size:14px;display:flex;gap:4px 18px;flex-wrap:wrap;z-index:1}"
    "nav a{color:var(--soft);text-decoration:none}"
    "nav a:hover{color:var(--mark)}\n"
    "section{padding:30px 0 8px;scroll-margin-top:44px}"
    ".tiles{display:grid;grid-template-columns:"
    "repeat(auto-fill,minmax(150px,1fr));gap:12px;margin:18px 0}"
    ".tile{background:var(--box);border:1px solid var(--line);"
    "border-radius:8px;padding:12px 14px}.tile b{font-size:22px;"
    "font-weight:650;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".tile i{font-style:normal;color:var(--soft);font-size:14px}"
    ".tile span{display:block;color:var(--soft);font-size:13px;"
    "line-height:1.35;margin-top:3px}\n"
    ".scroll{overflow-x:auto;margin:0 0 14px}"
    "table{border-collapse:collapse;font-size:14px;"
    "font-variant-numeric:tabular-nums}th,td{padding:5px 14px 5px 0;"
    "border-bottom:1px solid var(--line);text-align:left;"
    "white-space:nowrap;vertical-align:top}"
    "th{font-weight:600;color:var(--soft);font-size:13px}"
    ".r{text-align:right}tr.picked td{font-weight:650}"
    "tr.picked td:first-child{box-shadow:inset 3px 0 var(--mark);"
    "padding-left:9px}td.wrap{white-space:normal;min-width:260px}\n"
    "figure{margin:6px 0 18px}figcaption{color:var(--soft);font-size:13px;"
    "max-width:75ch}figure svg{max-width:none;display:block}"
    "pre{background:var(--box);border:1px solid var(--line);"
    "border-radius:8px;padding:12px 14px;overflow-x:auto;font-size:13px}\n"
    ".key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;"
    "margin:4px 0 8px}.key span::before{content:'';display:inline-block;"
    "width:12px;height:12px;border-radius:3px;background:var(--c);"
    "margin-right:6px;vertical-align:-1px}\n"
    ".map .area{stroke:var(--bg);stroke-width:1;fill-opacity:.88}"
    ".map .thin{stroke:none}"
    ".in{font:11px system-ui,sans-serif;fill:var(--bg)}"
    ".bar{display:inline-block;height:12px;background:var(--c);"
    "vertical-align:-1px}details{margin:0 0 12px}"
    "summary{cursor:pointer;color:var(--mark);margin-bottom:8px}\n"
    "footer{color:var(--soft);font-size:13px;border-top:1px solid "
    "var(--line);margin-top:30px;padding:14px 0 40px}\n"
    "@media print{nav{display:none}figure,tr,.tile{break-inside:avoid}"
    ".scroll{overflow:visible}body{font-size:12px}"
    "figure svg{max-width:100%;height:auto}}\n"
    "@media(max-width:600px){h1{font-size:23px}main,header,nav{padding-left:"
    "14px;padding-right:14px}.tiles{grid-template-columns:1fr 1fr}"
    ".tile b{font-size:19px}table{font-size:12.5px}"
    "th{font-size:12px}th,td{padding-right:9px}"
    "figure:not(.map) svg{width:100%;height:auto;min-width:480px}}\n";

void tp_html_text(tp_text *out, const char *text) {
    out->failed = out->failed || text == NULL;
    for (; text != NULL && *text != '\0'; text++) {
        const unsigned char c = (unsigned char)*text;
        if (strchr("<>&\"'", c) != NULL) {
            tp_text_add(out, "&#%d;", c);
        } else if (c >= ' ' || c == '\n') {
            tp_text_add(out, "%c", c);
        }
    }
}

void tp_html_begin(tp_text *out, const char *title) {
    tp_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
                     "<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" "
                     "content=\"width=device-width,initial-scale=1\">\n"
                     "<link rel=\"icon\" href=\"data:,\">\n<title>");
    tp_html_text(out, title);
    tp_text_add(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void tp_html_end(tp_text *out) {
    tp_text_add(out, "</body>\n</html>\n");
}

static void open_tag(tp_text *out, const char *tag, const char *class) {
    tp_text_add(out, "<%s", tag);
    if (class != NULL) {
        tp_text_add(out, " class=\"%s\"", class);
    }
    tp_text_add(out, ">");
}

void tp_html_element(tp_text *out, const char *tag, const char *class,
                     const char *text) {
    open_tag(out, tag, class);
    tp_html_text(out, text);
    tp_text_add(out, "</%s>\n", tag);
}

void tp_html_section(tp_text *out, const char *id, const char *heading) {
    tp_text_add(out, "<section id=\"%s\">\n", id);
    tp_html_element(out, "h2", NULL, heading);
}

void tp_html_end_section(tp_text *out) {
    tp_text_add(out, "</section>\n");
}

static void cells(tp_text *out, const char *tag, const char *align,
                  const char *const *cell) {
    for (int i = 0; align[i] != '\0'; i++) {
        const char *class = align[i] == 'r'   ? "r"
                            : align[i] == 'w' ? "wrap"
                                              : NULL;
        open_tag(out, tag, class);
        tp_html_text(out, cell[i] != NULL ? cell[i] : "");
        tp_text_add(out, "</%s>", tag);
    }
    tp_text_add(out, "</tr>\n");
}

void tp_html_table(tp_text *out, const char *align, const char *const *head) {
    tp_text_add(out, "<div class=\"scroll\"><table>\n<thead><tr>");
    cells(out, "th", align, head);
    tp_text_add(out, "</thead><tbody>\n");
}

void tp_html_row(tp_text *out, const char *align, const char *class,
                 const char *const *cell) {
    open_tag(out, "tr", class);
    cells(out, "td", align, cell);
}

void tp_html_end_table(tp_text *out) {
    tp_text_add(out, "</tbody></table></div>\n");
}

void tp_html_figure(tp_text *out, const char *class, const char *svg,
                    const char *caption) {
    open_tag(out, "figure", class);
    tp_text_add(out, "<div class=\"scroll\">\n%s</div>", svg);
    tp_html_element(out, "figcaption", NULL, caption);
    tp_text_add(out, "</figure>\n");
}

void tp_html_tile(tp_text *out, const char *value, const char *unit,
                  const char *what) {
    tp_text_add(out, "<div class=\"tile\"><b>");
    tp_html_text(out, value);
    tp_text_add(out, "</b> <i>");
    tp_html_text(out, unit);
    tp_text_add(out, "</i><span>");
    tp_html_text(out, what);
    tp_text_add(out, "</span></div>\n");
}

void tp_html_details(tp_text *out, const char *summary) {
    tp_text_add(out, "<details>");
    tp_html_element(out, "summary", NULL, summary);
}

void tp_html_end_details(tp_text *out) {
    tp_text_add(out, "</details>\n");
}
