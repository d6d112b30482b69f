"""People whose words are learned, on the device and on the host."""
import concurrent.futures
import os

from board import Bar, lines_of, run

SEED = 1


class Quiet(Bar):
    """For one of several at a time."""

    def show(self, done, note=""):
        pass


def learn(elf, arguments, tests, bar):
    """Trains and evaluates on the device; what it reported."""
    told = {"losses": []}
    testing = bar("testing before", tests)
    training = None
    for word, numbers in lines_of(elf, arguments, icount=False):
        if word == "tested":
            testing.show(numbers[0])
        elif word == "update":
            training = training or bar("update", numbers[1])
            loss = numbers[2] / 65536
            told["losses"].append(loss)
            training.show(numbers[0], f"loss {loss:.3f}")
        else:
            told[word] = numbers
        if word == "before":
            testing = bar("testing after", tests)
    return told


def train_on_host(build, task, specs, folder):
    """The adapter that the host makes of the same clips."""
    for part in ("train", "test"):
        run(build / "examples/kws/kws-features", folder / f"{part}.clips",
            folder / f"{part}_x.bin", folder / f"{part}_y.bin")
    run(build / "tinypeft", "train", task.model, *specs, "--x",
        folder / "train_x.bin", "--y", folder / "train_y.bin", "--epochs",
        task.epochs, "--seed", SEED, "-o", folder / "host.adapter")
    return (folder / "host.adapter").read_bytes()


def adapt(build, task, specs, elf, person, folder, bar):
    """One person, on the device and on the host; what came of it."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test, adapter = (folder / name for name in (
        "train.clips", "test.clips", "device.adapter"))
    task.write(person, train, test)
    host = train_on_host(build, task, specs, folder)
    tests = (folder / "test_y.bin").stat().st_size
    told = learn(elf, ["learn", train, test, adapter, task.epochs, SEED],
                 tests, bar)
    return {**told, "person": person, "folder": folder,
            "adapter_bytes": len(host), "equal": adapter.read_bytes() == host}


def adapt_all(build, task, specs, elf, out):
    """Every person of the task, as many at a time as there are cores, each in
    a folder of its own; one alone in `out` itself, and with more to be seen."""
    if len(task.people) == 1:
        return [adapt(build, task, specs, elf, task.people[0], out, Bar)]
    adapted = Bar("voices", len(task.people))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(adapt, build, task, specs, elf, person,
                               out / person, Quiet) for person in task.people]
        for n, _ in enumerate(concurrent.futures.as_completed(running), 1):
            adapted.show(n)
    return [each.result() for each in running]
