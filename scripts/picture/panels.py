"""README's picture as SVG: how a model comes to learn, then what was measured.
It has a ground of its own, so that it stands on light and dark pages."""
from html import escape

from shapes import (GOOD, GREY, LINE, MID, PALE, arrow, box, chip, layers,
                    parcel, path, sheet, text)

WIDTH, HEIGHT = 960, 556
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, Helvetica,
         Arial, sans-serif; fill: #1c2733 }
  .name { font-weight: 600; font-size: 15px }
  .big { font-weight: 700; font-size: 27px }
  .small { font-size: 12px; fill: #566370 }
  .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas,
          "DejaVu Sans Mono", monospace; font-size: 12px; fill: #0a6b62 }
  .middle { text-anchor: middle } .end { text-anchor: end }
  .good { fill: #0a7d72 }
"""


def stage(middle, icon, name, *lines):
    return icon + text(middle, 128, name, "name middle") + "".join(
        text(middle, 148 + 17 * i, line, "small middle")
        for i, line in enumerate(lines))


def pipeline(f):
    return "".join((
        stage(108, layers(80, 42), f["model"], "your INT8 model, as it is:",
              f"{f['model_bytes']:,} bytes, unchanged"),
        arrow(198, 70, "compile", "your RAM"),
        stage(352, sheet(330, 42, GOOD), "C code", "the bytes of TensorFlow",
              "Lite Micro; no heap, no float"),
        arrow(443, 70, "link", "your code"),
        stage(604, chip(576, 46), "a microcontroller",
              "base in flash; learns in RAM,", "in integers, in slices"),
        arrow(699, 70, "store", "sign, ship"),
        stage(852, parcel(826, 44), "an adapter",
              f"{f['adapter_bytes']:,} bytes: all that was",
              "learned; same on the host")))


def panel(x, name, more):
    return box(x, 196, 286, 322, "#fff", LINE, 10) + text(
        x + 18, 224, name, "name") + text(x + 18, 243, more, "small")


def learning(f, x):
    losses = f["losses"]
    top, low = max(losses), min(losses)
    points = "L".join(
        f"{x + 18 + 250 * i / (len(losses) - 1):.1f} "
        f"{430 - 100 * (loss - low) / (top - low):.1f}"
        for i, loss in enumerate(losses))
    return "".join((
        panel(x, "It learns on the device",
              f"{f['title']}, {f['shots']} recordings of each"),
        text(x + 18, 290, f"{f['accuracy_before']:.0f} %", "big"),
        path(f"M{x + 106} 281h36m-9 -6l9 6l-9 6", GOOD, 2.5),
        text(x + 156, 290, f"{f['accuracy_after']:.1f} %", "big good"),
        text(x + 18, 311,
             f"of {f['test_clips']} other recordings right: before, "
             "after", "small"),
        path(f"M{x + 18} 434h250", LINE, 1),
        path(f"M{points}", GOOD, 2.5),
        text(x + 268, 344, f"loss {losses[0]:.2f} to {losses[-1]:.2f}",
             "small end"),
        text(x + 18, 452, "update 1", "small"),
        text(x + 268, 452, f"{f['updates']}", "small end"),
        text(x + 18, 478, f"{' and '.join(f['kinds'])}, in "
             f"{f['demo_ram']:,} bytes of RAM", "small"),
        text(x + 18, 500, "make demo", "mono")))


def bar(x, y, width, fill, name, number):
    return text(x, y, name, "") + box(x, y + 8, width, 20, fill) + text(
        x + 250, y, number, "end")


def memory(f, x):
    unit = 250 / f["ram_tflm"]
    parts, at = "", x + 18
    for size, fill in zip(f["ram_parts"], (GOOD, MID, PALE)):
        parts += box(at, 396, size * unit, 20, fill)
        at += size * unit
    key = "".join(box(x + 18 + 78 * i, 428, 10, 10, fill) +
                  text(x + 33 + 78 * i, 438, name, "small")
                  for i, (name, fill) in enumerate(
                      (("arena", GOOD), ("adapter", MID), ("training", PALE))))
    return "".join((
        panel(x, "In the RAM of inference",
              "bytes; LoRA-FA on four layers, a new head"),
        bar(x + 18, 280, 250, GREY, "TFLM: to infer", f"{f['ram_tflm']:,}"),
        bar(x + 18, 334, f["ram_infer"] * unit, GOOD, "TinyPEFT: to infer",
            f"{f['ram_infer']:,}"),
        bar(x + 18, 388, 0, GOOD, "TinyPEFT: to infer and learn",
            f"{f['ram_learn']:,}"),
        parts, key,
        text(x + 18, 470, f"TFLM's holds {f['ram_ends']} of input and output, "
             "too", "small"),
        text(x + 18, 500, f"tinypeft compile --ram {f['ram_tflm']}", "mono")))


def speed(f, x):
    rows = ""
    for i, (name, ours, theirs) in enumerate(f["instructions"]):
        y = 280 + 47 * i
        rows += text(x + 18, y, name) + text(
            x + 268, y, f"{theirs / ours:.1f} times fewer", "end good")
        rows += box(x + 18, y + 7, 250, 8, GREY)
        rows += box(x + 18, y + 17, 250 * ours / theirs, 8, GOOD)
    return panel(x, "With fewer instructions",
                 "an inference on Cortex-M4, counted") + rows + "".join((
        box(x + 18, 460, 10, 10, GOOD), text(x + 33, 470, "TinyPEFT", "small"),
        box(x + 105, 460, 10, 10, GREY),
        text(x + 120, 470, "TFLM with CMSIS-NN", "small"),
        text(x + 18, 500, "make bench", "mono")))


def draw(f):
    says = (f"TinyPEFT compiles {f['model']} to C that learns on a "
            f"microcontroller: accuracy {f['accuracy_before']:.0f} to "
            f"{f['accuracy_after']:.1f} %, in {f['ram_learn']:,} bytes of RAM.")
    body = "\n".join((
        box(0.5, 0.5, WIDTH - 1, HEIGHT - 1, "#f6f8fa", LINE, 14), pipeline(f),
        learning(f, 24), memory(f, 337), speed(f, 650),
        text(WIDTH / 2, 541, "One speaker, one seed. Instructions of QEMU, not "
             "cycles of a core. TFLM: TensorFlow Lite Micro. The green command "
             "makes the figures again.", "small middle")))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
            f'{HEIGHT}" role="img">\n<title>{escape(says)}</title>\n'
            f"<style>{STYLE}</style>\n{body}\n</svg>\n")
