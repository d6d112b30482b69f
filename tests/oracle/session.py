"""Builds the models, judges them, prints what came of it.

Building needs TensorFlow and its threads; judging forks, which does not go
together. So first all is built, by processes that end, then all is judged."""
import collections
import multiprocessing
import pathlib
import shutil
import tempfile
import time

import coverage
import judge
import table
import workers

BY_HAND, BY_KERAS, SHORT = 120, 30, 2
SEED = "1"  # with which every entry of the table of differences is needed


def chosen(kinds, options):
    """(kind, index) of all that was asked for."""
    only, _, index = options.only.partition(":")
    if only and only not in kinds:
        raise SystemExit(f"no kind '{only}'; there are: {', '.join(kinds)}")
    for kind in kinds:
        n = (SHORT if options.short else options.models or
             (BY_KERAS if kind.startswith("keras_") else BY_HAND))
        for i in [int(index)] if index else range(n):
            if not only or kind == only:
                yield kind, i


def built(options, folder):
    """{kind: [(index, error or None)]}"""
    found = collections.defaultdict(list)
    context = multiprocessing.get_context("spawn")
    with context.Pool(options.jobs, workers.quiet) as pool:
        kinds = pool.apply(workers.kinds)
        wanted = list(chosen(kinds, options))
        jobs = [(folder, options.seed, *w) for w in wanted]
        print(f"building {len(jobs)} models in {options.jobs} processes")
        for (kind, i), error in zip(wanted, pool.imap(workers.make, jobs, 4)):
            found[kind].append((i, error))
    return found


def session(options):
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as own:
        # A copy: someone may build anew in the meantime.
        options.tinypeft = shutil.copy(options.tinypeft, own)
        folder = options.keep or own
        pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
        rows, seen = judged(options, folder, built(options, folder))
    whole = options.seed == SEED and not (options.only or options.short or
                                          options.models)
    print("\n" + seen.text())
    return table.end(rows, whole, time.monotonic() - began)


def judged(options, folder, models):
    rows, seen = [], coverage.Coverage()
    print(f"judging them\n{table.HEAD}")
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        for kind, made in models.items():
            row = table.Row(kind)
            row.unmade = [f"{kind}-{i} {error}" for i, error in made if error]
            jobs = [(options.tinypeft, f"{folder}/{kind}-{i}")
                    for i, error in made if not error]
            for verdict in pool.imap(judge.judge, jobs, 2):
                row.add(verdict)
                if verdict.same == "same":
                    seen.add(f"{folder}/{verdict.name}.tflite")
            row.show()
            rows.append(row)
    return rows, seen
