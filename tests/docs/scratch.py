"""A copy of the tree in which a document's commands may do what they like."""
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TINYPEFT_DATA") or
            ROOT.parent / "shared/data").absolute()


def tracked(pattern="*"):
    """Files of the tree, those not committed yet included; where it is no
    checkout of git, all but what was built."""
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=ROOT,
        text=True, check=False, capture_output=True)
    names = done.stdout.splitlines() if done.returncode == 0 else [
        str(path.relative_to(ROOT)) for path in ROOT.rglob(pattern)]
    return [name for name in names if (ROOT / name).is_file() and
            not name.startswith(("build/", ".git/"))]


def make(folder, tool, document):
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
    (tree / "build").mkdir(parents=True)
    (tree / "build/release").symlink_to(tool.parent)
    if DATA.is_dir():
        (folder / "shared").mkdir()
        (folder / "shared/data").symlink_to(DATA.resolve())
    return tree

