"""What is in a .tflite file, and single operators cut out of it."""
import flatbuffers
import numpy as np
import tflite
from ai_edge_litert import schema_py_generated as schema

TYPES = {tflite.TensorType.INT8: np.int8, tflite.TensorType.UINT8: np.uint8,
         tflite.TensorType.INT32: np.int32, tflite.TensorType.INT64: np.int64,
         tflite.TensorType.FLOAT32: np.float32,
         tflite.TensorType.BOOL: np.bool_}
CODES = {number: name for name, number in vars(tflite.BuiltinOperator).items()
         if isinstance(number, int)}
UNIONS = {number: name for name, number in vars(tflite.BuiltinOptions).items()
          if isinstance(number, int)}


class Tensor:
    def __init__(self, table, index, buffers):
        self.index, self.dtype = index, TYPES.get(table.Type())
        self.shape = tuple(table.Shape(i) for i in range(table.ShapeLength()))
        q = table.Quantization()
        n = q.ScaleLength() if q is not None else 0
        self.scales = [np.float32(q.Scale(i)) for i in range(n)]
        self.zero = q.ZeroPoint(0) if n and q.ZeroPointLength() else 0
        self.constant = buffers(table.Buffer()).DataLength() > 0

    @property
    def scale(self):
        return self.scales[0]

    @property
    def type(self):
        return np.dtype(self.dtype).name


class Op:
    """`options` has the numbers of the operator's own table, by name."""

    def __init__(self, table, code, tensors):
        self.code = CODES[code]
        ends = [[table.Inputs(i) for i in range(table.InputsLength())],
                [table.Outputs(i) for i in range(table.OutputsLength())]]
        self.inputs, self.outputs = ([tensors[i] if i >= 0 else None
                                      for i in end] for end in ends)
        self.options = {}
        union = table.BuiltinOptions()
        if union is not None:
            kind = getattr(tflite, UNIONS[table.BuiltinOptionsType()])
            options = kind()
            options.Init(union.Bytes, union.Pos)
            for name in vars(kind):
                if name[0].isupper() and not name.startswith("GetRoot"):
                    self._take(name, getattr(options, name))

    def _take(self, name, get):
        if get.__code__.co_argcount == 1:
            self.options[name] = get()

    @property
    def x(self):
        """The first input that is computed."""
        return next((t for t in self.inputs if t and not t.constant),
                    self.inputs[0])

    @property
    def y(self):
        return self.outputs[0]


class File:
    """Subgraph 0: its operators in order, its first input and output."""

    def __init__(self, content):
        model = tflite.Model.GetRootAs(content, 0)
        graph = model.Subgraphs(0)
        tensors = [Tensor(graph.Tensors(i), i, model.Buffers)
                   for i in range(graph.TensorsLength())]
        self.ops = []
        for i in range(graph.OperatorsLength()):
            op = graph.Operators(i)
            code = model.OperatorCodes(op.OpcodeIndex())
            self.ops.append(Op(op, max(code.BuiltinCode(),
                                       code.DeprecatedBuiltinCode()), tensors))
        self.input = tensors[graph.Inputs(0)]
        self.output = tensors[graph.Outputs(0)]

    def samples(self, raw):
        x = np.frombuffer(raw, self.input.dtype)
        return list(x.reshape(-1, *self.input.shape))


def cut_out(content, at):
    """A file of operator `at` alone, and the indices that its inputs had."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    op = graph.operators[at]
    old = sorted({int(i) for i in (*op.inputs, *op.outputs) if i >= 0})
    new = {index: place for place, index in enumerate(old)} | {-1: -1}
    fed = [int(i) for i in dict.fromkeys(op.inputs) if i >= 0 and
           not _filled(model.buffers[graph.tensors[i].buffer].data)]
    graph.tensors = [graph.tensors[i] for i in old]
    op.inputs, op.outputs = ([new[int(i)] for i in end]
                             for end in (op.inputs, op.outputs))
    graph.operators = [op]
    graph.inputs, graph.outputs = [new[i] for i in fed], op.outputs
    model.signatureDefs = model.metadata = model.metadataBuffer = None
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()), fed


def _filled(data):
    return data is not None and len(data) > 0
