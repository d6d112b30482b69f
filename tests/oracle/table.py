"""What is printed of the models of a kind, and of all of them."""
import collections
import re

from differences import DIFFERENCES
from judge import ENOUGH, REFUSALS

COLUMNS = (("models", 7), ("same", 7), ("differ", 7), ("refused", 8),
           ("TFLM no", 8), ("flat", 6), ("bytes", 10), ("| LiteRT same", 14),
           ("within", 7), ("differ", 7), ("no", 6))
HEAD = f"{'':28}" + "".join(f"{name:>{width}}" for name, width in COLUMNS)


class Row:
    """What came of the models of one kind. flat: all the outputs are equal."""

    def __init__(self, kind):
        self.kind, self.unmade = kind, []
        self.verdicts = []

    def add(self, verdict):
        self.verdicts.append(verdict)

    def of(self, **wish):
        return [v for v in self.verdicts
                if all(getattr(v, k) == want for k, want in wish.items())]

    def lines(self, field, **wish):
        return [f"{v.name} {getattr(v, field)}" for v in self.of(**wish)]

    def proves_little(self):
        same, n = len(self.of(same="same")), len(self.verdicts)
        flat, unmade = len(self.of(same="same", flat=True)), len(self.unmade)
        return n + unmade >= ENOUGH and (2 * same < n or 2 * flat > same or
                                         2 * unmade > n)

    def unknown_refusals(self):
        return [line for line in self.lines("said", same="refused")
                if not any(re.search(p, line) for p, _ in REFUSALS)]

    def wrong(self):
        return (len(self.of(same="differ")) + len(self.unknown_refusals()) +
                len(self.of(litert="unknown")) + self.proves_little())

    def entries(self):
        """The largest difference that was seen for each entry of the table,
        and in how many models."""
        most, models = {}, collections.Counter()
        for v in self.verdicts:
            models.update(v.entries.keys())
            for place, n in v.entries.items():
                most[place] = max(n, most.get(place, 0))
        return most, models

    def numbers(self):
        return (len(self.verdicts), len(self.of(same="same")),
                len(self.of(same="differ")), len(self.of(same="refused")),
                len(self.of(same="unasked")),
                len(self.of(same="same", flat=True)),
                sum(v.bytes for v in self.of(same="same")),
                *(len(self.of(litert=word)) for word in
                  ("same", "within", "unknown", "no")))

    def show(self):
        print(f"{self.kind:28}" + "".join(
            f"{n:{width}}" for n, (_, width) in zip(self.numbers(), COLUMNS)))
        for pattern, why in REFUSALS:
            n = sum(bool(re.search(pattern, line))
                    for line in self.lines("said", same="refused"))
            if n:
                print(f"    {n} refused: {why}")
        grouped("that TensorFlow Lite Micro",
                self.lines("said", same="unasked"))
        grouped("that LiteRT", self.lines("why", litert="no"))
        grouped("that the converter does not make:", self.unmade)
        for word, lines in (
                ("DIFFERS", self.lines("said", same="differ")),
                ("REFUSED", self.unknown_refusals()),
                ("LITERT DIFFERS", self.lines("why", litert="unknown"))):
            for line in lines:
                print(f"    {word} {line}")
        if self.proves_little():
            print("    PROVES LITTLE: too few models ran, or too many were "
                  "flat")


def generic(text):
    """A message without what differs from model to model."""
    text = re.sub(r"'[^']*'", "'..'", text.split(" ", 1)[1])
    return re.sub(r"-?\d+(\.\d+)?(e[-+]?\d+)?", "#", text)[:90]


def grouped(whose, lines):
    heads = collections.defaultdict(list)
    for line in lines:
        heads[generic(line)].append(line)
    for alike in heads.values():
        name, _, said = alike[0].partition(" ")
        print(f"    {len(alike)} {whose} {said[:140]} ({name})")


def differences(rows, whole):
    """Prints how often each entry of the table was needed; returns how many
    never were, where all the models have been run."""
    unused = 0
    print("Where LiteRT's reference kernels give other bytes:")
    for place, entry in enumerate(DIFFERENCES):
        found = [row.entries() for row in rows]
        models = sum(counted[place] for _, counted in found)
        most = max((largest.get(place, 0) for largest, _ in found), default=0)
        print(f"    {entry.code:16} {models:5} models, by at most {most:g} of "
              f"{entry.most}: {entry.why}")
        if whole and not models:
            print("    NEVER SEEN: take it out of the table")
            unused += 1
    return unused


def end(rows, whole, seconds):
    """Prints the last lines; returns the exit status."""
    wrong = differences(rows, whole) + sum(row.wrong() for row in rows)
    models, same, differ, refused, unasked, _, size, *litert = (
        sum(column) for column in zip(*(row.numbers() for row in rows)))
    print(f"\n{models} models, {size} bytes compared: {same} models with "
          f"TensorFlow Lite Micro's bytes, {differ} differ, {refused} refused, "
          f"{unasked} that it does not run; LiteRT: {litert[0]} the same, "
          f"{litert[1]} explained, {litert[2]} differ, {litert[3]} not run; "
          f"{wrong} unexplained; {seconds:.0f} s")
    return 1 if wrong or not models else 0
