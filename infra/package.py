"""Zips each function's binary as Lambda expects it: `bootstrap` at the top. The same binary makes the same zip, byte for byte,
so that a deployment only uploads and updates changed functions. A release is compressed with zopfli, which is slow. A local
deployment uses fast compression."""

import os
import sys
import zipfile
from pathlib import Path

FUNCTIONS = sorted(path.parent.parent.name for path in Path(__file__).parents[1].glob("functions/*/src/main.rs"))
NEVER = (1980, 1, 1, 0, 0, 0)


def write(binary: Path, zipped: Path, archive: type[zipfile.ZipFile] = zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("bootstrap", NEVER)
    entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
    with archive(zipped, "w") as writing:
        writing.writestr(entry, binary.read_bytes(), compresslevel=1)


def release(binaries: Path, into: Path, functions: list[str]) -> None:
    """Writes `into/<function>.zip` for each function, from `binaries/<function>`, if the binary is newer than the zip."""
    from zopfli import ZipFile

    into.mkdir(parents=True, exist_ok=True)
    for function in functions:
        binary, zipped = binaries / function, into / f"{function}.zip"
        if not zipped.exists() or zipped.stat().st_mtime <= binary.stat().st_mtime:
            # Two deployments may package at once.
            unfinished = zipped.with_suffix(f".{os.getpid()}")
            write(binary, unfinished, ZipFile)
            unfinished.replace(zipped)


if __name__ == "__main__":
    release(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] or FUNCTIONS)
