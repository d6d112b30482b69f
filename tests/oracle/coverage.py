"""What the models that were compared have in them, read from their files."""
import collections
import pathlib

from reader import File

PADDINGS = ("SAME", "VALID")
ACTIVATIONS = ("NONE", "RELU", "N1_TO_1", "RELU6", "TANH", "SIGN")
WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


class Kind:
    """All of one operator."""

    def __init__(self):
        self.n, self.models, self.shapes = 0, set(), set()
        self.ends = collections.Counter()
        self.scales = collections.Counter()
        self.seen = collections.defaultdict(set)

    def add(self, op, model, interface):
        self.n += 1
        if model not in self.models:
            self.ends.update(interface)
        self.models.add(model)
        self.shapes.add(tuple(t.shape for t in op.inputs if t))
        if op.code in WITH_WEIGHTS:
            many = len(op.inputs[1].scales) > 1
            self.scales["channel" if many else "tensor"] += 1
        for name, values in settings(op.options).items():
            self.seen[name].add(values)

    def text(self, code):
        ends = " ".join(f"{self.ends[t]:5}" for t in
                        ("int8", "uint8", "float32"))
        scales = (f"{self.scales['tensor']:5} {self.scales['channel']:5}"
                  if self.scales else f"{'':11}")
        told = "; ".join(f"{name} {', '.join(sorted(values))}"
                         for name, values in sorted(self.seen.items()))
        return (f"{code:24} {self.n:6} {len(self.models):6} {ends} {scales} "
                f"{len(self.shapes):6}  {told}")


def settings(options):
    """What of an operator's options is worth a column."""
    found = {}
    if "StrideH" in options:
        found["strides"] = f"{options['StrideH']}x{options['StrideW']}"
    if "DilationHFactor" in options:
        found["dilations"] = (f"{options['DilationHFactor']}x"
                              f"{options['DilationWFactor']}")
    if "Padding" in options:
        found["padding"] = PADDINGS[options["Padding"]]
    if "FusedActivationFunction" in options:
        found["activations"] = ACTIVATIONS[options["FusedActivationFunction"]]
    if "DepthMultiplier" in options:
        found["multipliers"] = str(options["DepthMultiplier"])
    if "KeepDims" in options:
        found["keep"] = str(bool(options["KeepDims"]))
    return found


class Coverage:
    def __init__(self):
        self.kinds = collections.defaultdict(Kind)

    def add(self, path):
        file = File(pathlib.Path(path).read_bytes())
        interface = {file.input.type, file.output.type}
        for op in file.ops:
            self.kinds[op.code].add(op, path, interface)

    def text(self):
        head = (f"{'operator':24} {'times':>6} {'models':>6} {'int8':>5} "
                f"{'uint8':>5} {'float':>5} {'tens.':>5} {'chan.':>5} "
                f"{'shapes':>6}")
        return "\n".join([
            "Operators in the models with equal bytes: how often, in how many "
            "models, of these with", "such an interface, weights with a scale "
            "a tensor or a channel, shapes of inputs", head] + [
                self.kinds[code].text(code) for code in sorted(self.kinds)])
