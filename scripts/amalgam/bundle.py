"""Files as C, line by line: cli/bundle.h. No compiler has to take a literal of
more than 4,095 bytes."""


def literal(line):
    escaped = line.replace("\\", "\\\\").replace('"', '\\"')
    return f'    "{escaped}\\n",\n'.replace("??", "?\\?")


def source(files):
    out = ['#include "cli/bundle.h"\n']
    for i, text in enumerate(files.values()):
        lines = "".join(map(literal, text.splitlines()))
        out.append(f"static const char *const file{i}[] = {{\n{lines}"
                   "    NULL};\n")
    rows = "".join(f'    {{"{name}", file{i}}},\n'
                   for i, name in enumerate(files))
    out.append(f"const tp_bundle_file tp_bundle[] = {{\n{rows}"
               "    {NULL, NULL}};\n")
    return "\n".join(out)
