"""What TensorFlow Lite Micro and LiteRT make of a model.

Both stop the program on some models, so each runs in a process of its own."""
import io
import os
import pickle
import signal
import sys
import tempfile

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

ARENA = 8 << 20
SECONDS = 60


# --- in the other process: each yields an answer a sample ---------------------

def tflm(content, samples):
    """TensorFlow Lite Micro. A sample is an array, or a list of them."""
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=ARENA)
    for sample in samples:
        for i, x in enumerate(sample if isinstance(sample, list)
                              else [sample]):
            interpreter.set_input(x, i)
        interpreter.invoke()
        yield interpreter.get_output(0).tobytes()


def _litert(content, samples, **more):
    """LiteRT's reference kernels. No delegate may take their place: XNNPACK
    computes otherwise."""
    interpreter = Interpreter(
        model_content=content, num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF, **more)
    interpreter.allocate_tensors()
    if any(op["op_name"] == "DELEGATE"
           for op in interpreter._get_ops_details()):
        raise RuntimeError("a delegate has taken operators")
    at = interpreter.get_input_details()[0]["index"]
    for x in samples:
        interpreter.set_tensor(at, x)
        interpreter.invoke()
        yield interpreter


def litert(content, samples):
    for interpreter in _litert(content, samples):
        at = interpreter.get_output_details()[0]["index"]
        yield interpreter.get_tensor(at).tobytes()


def litert_tensors(content, samples):
    """Of every tensor with a value, not of the output alone."""
    for interpreter in _litert(content, samples,
                               experimental_preserve_all_tensors=True):
        values = {}
        for tensor in interpreter.get_tensor_details():
            try:
                values[tensor["index"]] = interpreter.get_tensor(
                    tensor["index"]).copy()
            except ValueError:  # scratch, or never computed
                pass
        yield pickle.dumps(values)


# --- here ---------------------------------------------------------------------

def _child(interpret, content, samples, out, log):
    """Never returns. Its end says what became of the model."""
    status = 1
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.alarm(SECONDS)
        with os.fdopen(out, "wb", closefd=False) as file:
            for answer in interpret(content, samples):
                file.write(answer)
        status = 0
    except Exception as error:  # the interpreters raise what they like
        os.write(log, repr(error).encode())
    finally:
        os._exit(status)


def ask(interpret, content, samples):
    """(answers, None), or (None, reason) where the interpreter refuses the
    model or stops the program."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as log:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _child(interpret, content, samples, out.fileno(), log.fileno())
        _, status = os.waitpid(pid, 0)
        if status == 0:
            out.seek(0)
            return out.read(), None
        log.seek(0)
        text = " ".join(log.read().decode(errors="replace").split())
        what = "stops" if os.WIFSIGNALED(status) else "refuses"
        return None, f"{what}: {text}"


def inside(content, samples):
    """LiteRT's values of all tensors, by index, for each sample; None where it
    cannot."""
    answers, _ = ask(litert_tensors, content, samples)
    if answers is None:
        return None
    file = io.BytesIO(answers)
    return [pickle.load(file) for _ in samples]
