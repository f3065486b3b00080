"""The zips of the local functions. Each binary is zipped once, and its zip is hard-linked into every local cloud."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from failed import Failed

sys.path.insert(0, str(Path(__file__).parents[1]))

from package import FUNCTIONS, write  # noqa: E402


def link(binaries: Path, into: Path) -> None:
    """Links `into/<function>.zip` for each function of `binaries`."""
    into.mkdir(parents=True)
    for function in FUNCTIONS:
        zipped, linked = made(binaries, function), into / f"{function}.zip"
        try:
            os.link(zipped, linked)
        except OSError:
            # The target is on another file system, or on one without hard links.
            shutil.copy2(zipped, linked)


def made(binaries: Path, function: str) -> Path:
    """Returns the zip of a function's binary. Creates it if it is missing or of another binary.

    A zip has the modification time of its binary.
    """
    binary, zipped = binaries / function, binaries / "zips" / f"{function}.zip"
    if not binary.exists():
        raise Failed(f"{binary} does not exist; run `make up`, which builds it")
    built = binary.stat().st_mtime_ns
    if not zipped.exists() or zipped.stat().st_mtime_ns != built:
        zipped.parent.mkdir(exist_ok=True)
        # Several clouds may create it at once. Each writes its own file and then renames it.
        with tempfile.TemporaryDirectory(dir=zipped.parent) as folder:
            unfinished = Path(folder) / zipped.name
            write(binary, unfinished)
            os.utime(unfinished, ns=(built, built))
            unfinished.replace(zipped)
    return zipped
