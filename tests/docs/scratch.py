"""A copy of the tree in which a document's commands may do what they like."""
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TINYPEFT_DATA") or ROOT.parent / "shared/data")


def tracked(*patterns):
    """Files of the tree, those not committed yet included."""
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns], cwd=ROOT,
        text=True, check=True, stdout=subprocess.PIPE).stdout.splitlines()
    return [name for name in out if (ROOT / name).is_file()]


def make(folder, tool, document, commands):
    """The tree as it was cloned, with what `make release` builds: the folder
    of the tool under test; and what the document leaves to its reader, from
    given/DOCUMENT. Beside it the data, if there is any."""
    tree = folder / "tinypeft"
    for name in tracked():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    given = Path(__file__).parent / "given" / Path(document).with_suffix("")
    if given.is_dir():
        shutil.copytree(given, tree, dirs_exist_ok=True)
    (tree / "build").mkdir()
    (tree / "build/release").symlink_to(tool.parent)
    if DATA.is_dir():
        (folder / "shared").mkdir()
        (folder / "shared/data").symlink_to(DATA.resolve())
    if "build/demo" in commands:
        demo_files(tree)
    return tree


def demo_files(tree):
    """What `make demo` would have left of the recordings."""
    sys.path.insert(0, str(ROOT / "examples/kws/demo"))
    import sources  # pylint: disable=import-outside-toplevel,import-error
    demo = tree / "build/demo"
    demo.mkdir()
    for name, clips in (("train", range(20, 25)), ("test", range(20))):
        sources.write_clips(DATA, "jackson", clips, demo / f"{name}.clips")
    subprocess.run([tree / "build/release/examples/kws/kws-features",
                    demo / "train.clips", demo / "train_x.bin",
                    demo / "train_y.bin"], check=True)
