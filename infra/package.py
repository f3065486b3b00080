"""Zips each function's binary as Lambda wants it: `bootstrap` at the top. The same binary makes the same zip, byte for byte,
so that a deployment uploads and changes only what changed. A release is deflated by zopfli,
which takes its time; a local deployment is deflated in haste."""

import sys
import zipfile
from pathlib import Path

FUNCTIONS = sorted(path.parent.parent.name for path in Path(__file__).parents[1].glob("functions/*/src/main.rs"))
NEVER = (1980, 1, 1, 0, 0, 0)


def package(binaries: Path, into: Path, archive: type[zipfile.ZipFile] = zipfile.ZipFile, functions: list[str] = FUNCTIONS) -> None:
    """Writes `into/<function>.zip` for each function, from `binaries/<function>`."""
    into.mkdir(parents=True, exist_ok=True)
    for function in functions:
        binary = binaries / function
        zipped = into / f"{function}.zip"
        if zipped.exists() and zipped.stat().st_mtime > binary.stat().st_mtime:
            continue
        entry = zipfile.ZipInfo("bootstrap", NEVER)
        entry.external_attr, entry.compress_type = 0o755 << 16, zipfile.ZIP_DEFLATED
        unfinished = zipped.with_suffix(".unfinished")
        with archive(unfinished, "w") as writing:
            writing.writestr(entry, binary.read_bytes(), compresslevel=1)
        unfinished.replace(zipped)


if __name__ == "__main__":
    from zopfli import ZipFile

    package(Path(sys.argv[1]), Path(sys.argv[2]), ZipFile, sys.argv[3:] or FUNCTIONS)
