#!/usr/bin/env python3
"""Random models: tinypeft's bytes against TensorFlow Lite Micro's own, and
those against LiteRT's.

  oracle.py TINYPEFT [--only KIND[:INDEX]] [--short] [--models N] [--seed S]
            [--keep DIR] [--jobs N]

Prints a row for each kind of model, what was covered, and ends with status 1
where a byte differs for no known reason."""
import argparse
import os
import sys


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("tinypeft")
    parser.add_argument("--only", default="", metavar="KIND[:INDEX]")
    parser.add_argument("--short", action="store_true",
                        help="two models of a kind in place of N")
    parser.add_argument("--models", type=int, metavar="N", default=0,
                        help="models of each kind; default 120 by hand, 30 of "
                        "Keras")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", metavar="DIR",
                        help="where to leave the models and samples")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    return parser.parse_args()


# The processes that build import this file again: what they must not load next
# to TensorFlow is imported by the first process alone.
if __name__ == "__main__":
    import session
    sys.stdout.reconfigure(line_buffering=True)
    sys.exit(session.session(arguments()))
