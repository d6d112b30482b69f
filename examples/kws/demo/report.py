"""What the demo tells: sizes from the linker's map, a table, a picture."""
import re

from board import sizes

FLASH = [".text", ".rodata", ".data"]
RAM = [".data", ".bss"]


def sections(text):
    """Bytes of each output section of a GNU ld map."""
    found = re.findall(r"^(\.\w+)\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)", text, re.M)
    return {name: int(size, 16) for name, size in found}


def symbol(text, name):
    """Bytes of a variable that has a section of its own."""
    found = re.search(rf"^ \.bss\.{name}\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)", text,
                      re.M)
    return int(found.group(1), 16) if found else 0


def score(told):
    """Of one person: how many in a hundred are right, before and after."""
    right = {when: told[when][0] for when in ("before", "after")}
    tests = told["after"][1]
    return {"person": told["person"], "test_clips": tests,
            **{f"accuracy_{when}": 100 * n / tests
               for when, n in right.items()},
            "losses": [round(x, 4) for x in told["losses"]]}


def summarise(task, people, cost, out):
    text = (out / "m4/kws.map").read_text()
    promised = sizes(out / "model/kws.h")
    size = sections(text)
    model = symbol(text, "model_memory")
    part = {n.lower(): promised[n]
            for n in ["ARENA", "INFER", "ADAPTER", "TRAIN"]}
    infer, sample, batch = cost["instructions"]
    scores = [score(told) for told in people]
    mean = {f"accuracy_{when}": sum(s[f"accuracy_{when}"] for s in scores)
            / len(scores) for when in ("before", "after")}
    return {
        "title": task.title, "shots": task.shots, "adapters": task.adapters,
        **mean, "people": scores,
        "test_clips": sum(s["test_clips"] for s in scores),
        "updates": len(scores[0]["losses"]),
        "flash": {name: size.get(name, 0) for name in FLASH},
        "ram": {**{name: size.get(name, 0) for name in RAM},
                "stack": max(told["stack"][0] for told in people),
                "model": model, **part,
                "header_equals_map": model == promised["RAM"]},
        "instructions": {"inference": infer, "sample": sample,
                         "update": sample * batch, "batch": batch},
        "adapter_bytes": people[0]["adapter_bytes"],
        "adapters_equal": all(told["equal"] for told in people),
    }


def by_person(s):
    """A row for each person, where there are several."""
    if len(s["people"]) == 1:
        return ""
    rows = [f"  {'before':>29}{'after':>10}"]
    rows += [f"  {p['person']:<22}{p['accuracy_before']:5.1f} %"
             f"{p['accuracy_after']:8.1f} %" for p in s["people"]]
    return "\n" + "\n".join(rows) + "\n"


def table(s):
    ram, count = s["ram"], s["instructions"]
    flash = sum(s["flash"].values())
    mean = "" if len(s["people"]) == 1 else "mean "
    rows = [
        (f"{mean}accuracy before", f"{s['accuracy_before']:.1f} %"),
        (f"{mean}accuracy after", f"{s['accuracy_after']:.1f} %, "
         f"{s['test_clips']} clips never trained on"),
        ("updates", f"{s['updates']} of {count['batch']} samples"),
        ("flash", f"{flash:,} B: " + ", ".join(
            f"{n} {b:,}" for n, b in s["flash"].items())),
        ("RAM of the model", f"{ram['model']:,} B: arena {ram['arena']:,} "
         f"(infer alone {ram['infer']:,}), adapter {ram['adapter']:,}, "
         f"training {ram['train']:,}"),
        ("RAM with the example", f"{ram['.data'] + ram['.bss']:,} B: .data "
         f"{ram['.data']:,}, .bss {ram['.bss']:,}; stack {ram['stack']:,}"),
        ("one inference", f"{count['inference']:,} instructions"),
        ("one update", f"{count['update']:,} instructions, "
         f"{count['sample']:,} a sample"),
        ("adapter", f"{s['adapter_bytes']:,} B, " + (
            "equal to the host's" if s["adapters_equal"]
            else "NOT EQUAL to the host's")),
        ("time", f"{s['seconds']:.0f} s"),
    ]
    return by_person(s) + "\n" + "\n".join(
        f"  {name:<22}{value}" for name, value in rows)


def curve(losses, most, box):
    """A polyline of the losses in box: left, top, width, height."""
    left, top, wide, high = box
    step = wide / max(len(losses) - 1, 1)
    points = " ".join(f"{left + i * step:.1f},{top + high * (1 - x / most):.1f}"
                      for i, x in enumerate(losses))
    return (f'<polyline points="{points}" fill="none" stroke="#1f6fb2" '
            'stroke-width="2" stroke-opacity="0.7"/>')


def picture(s):
    """Loss by update of each person, and the accuracy before and after, as
    SVG."""
    wide, high, left, top = 560, 240, 60, 50
    losses = [person["losses"] for person in s["people"]]
    most = max(max(each) for each in losses)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 360" '
        'font-family="sans-serif" font-size="14" fill="#222">',
        '<rect width="860" height="360" fill="#fff"/>',
        f'<text x="{left}" y="28" font-size="16">'
        f'{s["title"].capitalize()}, from {s["shots"]} recordings each, '
        'learned on a Cortex-M4</text>',
    ]
    for i in range(5):
        y = top + high * i / 4
        parts.append(f'<path d="M{left} {y}h{wide}" stroke="#ddd"/><text '
                     f'x="{left - 8}" y="{y + 5}" text-anchor="end">'
                     f'{most * (4 - i) / 4:.2f}</text>')
    parts += [curve(each, most, (left, top, wide, high)) for each in losses]
    parts.append(f'<text x="{left + wide / 2}" y="{top + high + 40}" '
                 f'text-anchor="middle">update, 1 to {s["updates"]}; '
                 'loss in nats</text>')
    for i, when in enumerate(["before", "after"]):
        share = s[f"accuracy_{when}"]
        x, tall = 680 + i * 85, high * share / 100
        colour = "#b9c7d5" if i == 0 else "#2a8a4a"
        parts.append(
            f'<rect x="{x}" y="{top + high - tall:.1f}" width="60" '
            f'height="{tall:.1f}" fill="{colour}"/>'
            f'<text x="{x + 30}" y="{top + high - tall - 6:.1f}" '
            f'text-anchor="middle">{share:.1f} %</text>'
            f'<text x="{x + 30}" y="{top + high + 20}" '
            f'text-anchor="middle">{when}</text>')
    parts.append(f'<text x="752" y="{top + high + 40}" text-anchor="middle">'
                 'accuracy</text></svg>')
    return "\n".join(parts) + "\n"
