"""cmake/sources.txt: the device library's files, for which machines, and how
they are compiled."""
import typing

MACHINES = ("host", "scalar", "thumb1", "dsp", "helium")


class Source(typing.NamedTuple):
    path: object    # from the root
    machines: list  # [] for all
    options: list   # of GCC, not for the host


def read(root):
    """In the order of the table; a file that no row has is an error."""
    found = {}
    for row in (root / "cmake/sources.txt").read_text().splitlines():
        if not row or row.startswith("#"):
            continue
        pattern, machines, *options = row.split()
        machines = [] if machines == "all" else machines.split(",")
        if not set(machines) <= set(MACHINES):
            raise SystemExit(f"cmake/sources.txt: {pattern}: machines are all, "
                             f"or some of {', '.join(MACHINES)}")
        files = [p.relative_to(root) for p in sorted(root.glob(pattern))]
        if not set(files) - found.keys():
            raise SystemExit(f"cmake/sources.txt: {pattern}: no file that no "
                             "row above has")
        for path in files:
            found.setdefault(path, Source(path, machines, options))
    for folder in ("core", "runtime"):
        for path in sorted((root / folder).rglob("*.[cS]")):
            if path.relative_to(root) not in found:
                raise SystemExit("cmake/sources.txt: no row for "
                                 f"{path.relative_to(root)}")
    return list(found.values())
