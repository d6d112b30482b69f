"""One model through the two interpreters and `tinypeft run`."""
import collections
import pathlib
import re
import subprocess
import tempfile

from differences import explain
from interpreters import ask, litert, tflm
from reader import File

ENOUGH = 10  # models from which on a kind must also have proved something
SECONDS = 120  # for tinypeft

# What tinypeft may refuse although TensorFlow Lite Micro runs it, and why that
# is right. Everything else must give the same bytes.
REFUSALS = (
    (r"shifts from -31 to 30 work",
     "a ratio of scales below 2^-32, where one side vanishes, or from 2^30 on"),
    (r"at most 2\^-14 of the product",
     "MUL onto so fine a scale (its product was 0 in all of the calibration) "
     "that 32 bits overflow in TensorFlow Lite Micro"),
    (r"is used before op \d+ makes it",
     "operators out of order, as the converter's old quantiser writes them"),
    (r"no operation computes its output",
     "a model without an operator: the converter took out a MEAN or a SQUEEZE "
     "of nothing"),
)

# same: tinypeft's verdict, "same", "differ", "refused", or "unasked" where
# TensorFlow Lite Micro has none; said: what there is to say of it. litert:
# "same", "within" (the table of differences explains it), "unknown", "no", or
# "" where there is nothing to compare with.
Verdict = collections.namedtuple(
    "Verdict", "name same said bytes flat litert why entries")


def run(tinypeft, model, x, answers, n):
    """What `tinypeft run` says."""
    with tempfile.NamedTemporaryFile() as want:
        want.write(answers)
        want.flush()
        try:
            done = subprocess.run([tinypeft, "run", model, "--input", x,
                                   "--expect", want.name], check=False,
                                  capture_output=True, text=True,
                                  timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "differ", f"does not end in {SECONDS} s"
    said = (done.stdout + done.stderr).strip()
    if done.returncode < 0:
        return "differ", f"died of signal {-done.returncode} {said}"
    found = re.match(r"(\d+) samples?, (\d+) bytes differ", said)
    if found is None:
        return "refused", said
    if int(found[1]) != n:
        return "refused", f"ran {found[1]} of {n} samples"
    return ("same" if found[2] == "0" and done.returncode == 0
            else "differ"), said


def against_litert(content, samples, answers, other, why):
    """(verdict, reason, entries of the table of differences)"""
    if other is None:
        return "no", why, {}
    if other == answers:
        return "same", "", {}
    entries, unknown = explain(content, samples)
    return "unknown" if unknown else "within", ", ".join(unknown), entries


def judge(job):
    tinypeft, stem = job
    stem = pathlib.Path(stem)
    model, x = stem.with_suffix(".tflite"), stem.with_suffix(".x")
    content = model.read_bytes()
    samples = File(content).samples(x.read_bytes())
    answers, why = ask(tflm, content, samples)
    other, other_why = ask(litert, content, samples)
    same, said = run(tinypeft, model, x, answers or b"", len(samples))
    if answers is None:
        if "signal" not in said:
            same, said = "unasked", why
        return Verdict(stem.name, same, said, 0, False, "", "", {})
    flat = len(set(answers)) == 1 and len(answers) > len(samples)
    return Verdict(stem.name, same, said, len(answers), flat,
                   *against_litert(content, samples, answers, other,
                                   other_why))
