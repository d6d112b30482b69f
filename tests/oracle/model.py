"""A .tflite model in memory, written without any converter."""
import flatbuffers
import numpy as np
import tflite

TYPES = {"int8": np.int8, "uint8": np.uint8, "int32": np.int32,
         "float32": np.float32}


class Tensor:
    """One tensor. `scale` is a number, or an array for scales along `axis`;
    None for tensors without quantisation. `data` makes it a constant."""

    def __init__(self, index, shape, dtype, scale, zp, axis, data):
        self.index, self.dtype = index, dtype
        self.shape = tuple(int(n) for n in shape)
        self.scale, self.zp, self.axis = scale, zp, axis
        self.data = None if data is None else np.asarray(data, TYPES[dtype])
        assert data is None or self.data.size == self.size, "data and shape"

    @property
    def size(self):
        return int(np.prod(self.shape, dtype=np.int64))

    def scales(self):
        return np.atleast_1d(np.asarray(self.scale, np.float32))


class Model:
    """Tensors and operators in order. The first tensor is the input, the
    output of the last operator is the output."""

    def __init__(self):
        self.tensors, self.ops = [], []

    def tensor(self, shape, scale=None, zp=0, dtype="int8", axis=0, data=None):
        t = Tensor(len(self.tensors), shape, dtype, scale, zp, axis, data)
        self.tensors.append(t)
        return t

    def ints(self, values):
        """An int32 constant: a list, or a scalar."""
        values = np.asarray(values, np.int32)
        return self.tensor(values.shape, dtype="int32", data=values)

    def op(self, code, inputs, output, options=None, **fields):
        """Appends an operator. None among the inputs is an absent one;
        `fields` are those of the options' table, as the schema names them."""
        self.ops.append((code, inputs, output, options, fields))
        return output

    @property
    def input(self):
        return self.tensors[0]

    @property
    def output(self):
        return self.ops[-1][2]

    # --- the file ------------------------------------------------------------

    def bytes(self):
        b = flatbuffers.Builder(1 << 12)
        buffers = [table(b, "Buffer")]
        tensors = [self._tensor(b, t, buffers) for t in self.tensors]
        codes = sorted({code for code, *_ in self.ops})
        ops = [self._op(b, codes, *op) for op in self.ops]
        graph = table(b, "SubGraph", Tensors=tables(b, tensors),
                      Inputs=vector(b, [self.input.index], "Int32"),
                      Outputs=vector(b, [self.output.index], "Int32"),
                      Operators=tables(b, ops))
        listed = [operator_code(b, code) for code in codes]
        root = table(b, "Model", Version=3, OperatorCodes=tables(b, listed),
                     Subgraphs=tables(b, [graph]),
                     Buffers=tables(b, buffers))
        b.Finish(root, b"TFL3")
        return bytes(b.Output())

    @staticmethod
    def _tensor(b, t, buffers):
        at = 0
        if t.data is not None:
            at = len(buffers)
            buffers.append(table(b, "Buffer",
                                 Data=b.CreateByteVector(t.data.tobytes())))
        fields = {"Shape": vector(b, t.shape, "Int32"),
                  "Name": b.CreateString(f"t{t.index}")}
        if t.scale is not None:
            scales = t.scales()
            fields["Quantization"] = table(
                b, "QuantizationParameters",
                Scale=vector(b, scales.tolist(), "Float32"),
                ZeroPoint=vector(b, [t.zp] * len(scales), "Int64"),
                QuantizedDimension=t.axis)
        return table(b, "Tensor", Buffer=at, **fields,
                     Type=getattr(tflite.TensorType, t.dtype.upper()))

    @staticmethod
    def _op(b, codes, code, inputs, output, options, fields):
        ends = {"Inputs": vector(b, [-1 if t is None else t.index
                                     for t in inputs], "Int32"),
                "Outputs": vector(b, [output.index], "Int32")}
        if options is not None:
            fields = {k: vector(b, v, "Int32") if isinstance(v, list) else v
                      for k, v in fields.items()}
            ends["BuiltinOptions"] = table(b, options, **fields)
            ends["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions,
                                                 options)
        return table(b, "Operator", OpcodeIndex=codes.index(code), **ends)


def operator_code(b, name):
    code = getattr(tflite.BuiltinOperator, name)
    return table(b, "OperatorCode", BuiltinCode=code, Version=1,
                 DeprecatedBuiltinCode=min(code, 127))


def table(b, name, **fields):
    getattr(tflite, name + "Start")(b)
    for field, value in fields.items():
        getattr(tflite, f"{name}Add{field}")(b, value)
    return getattr(tflite, name + "End")(b)


def vector(b, values, kind):
    width = {"Int32": 4, "Int64": 8, "Float32": 4, "UOffsetTRelative": 4}[kind]
    b.StartVector(width, len(values), width)
    for value in reversed(list(values)):
        getattr(b, "Prepend" + kind)(value if kind == "Float32"
                                     else int(value))
    return b.EndVector()


def tables(b, offsets):
    return vector(b, offsets, "UOffsetTRelative")
