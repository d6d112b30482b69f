"""What the processes that build do. They alone load TensorFlow, and only once
its chatter goes nowhere."""
import os


def quiet():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # the same sums everywhere
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def kinds():
    import build
    return list(build.KINDS)


def make(job):
    import build
    return build.build(job)
