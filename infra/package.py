"""Zips each function's binary as Lambda wants it: `bootstrap` at the top. The same binary makes the same zip, byte for byte,
so that a deployment uploads and changes only what changed."""

import sys
import zipfile
from pathlib import Path

FUNCTIONS = sorted(path.parent.parent.name for path in Path(__file__).parents[1].glob("functions/*/src/main.rs"))
NEVER = (1980, 1, 1, 0, 0, 0)


def package(binaries: Path, into: Path) -> None:
    """Writes `into/<function>.zip` for every function, from `binaries/<function>`."""
    into.mkdir(parents=True, exist_ok=True)
    for function in FUNCTIONS:
        binary = binaries / function
        zipped = into / f"{function}.zip"
        if zipped.exists() and zipped.stat().st_mtime > binary.stat().st_mtime:
            continue
        entry = zipfile.ZipInfo("bootstrap", NEVER)
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        unfinished = zipped.with_suffix(".unfinished")
        with zipfile.ZipFile(unfinished, "w", compresslevel=1 if "debug" in binaries.parts else 9) as archive:
            archive.writestr(entry, binary.read_bytes())
        unfinished.replace(zipped)


if __name__ == "__main__":
    package(Path(sys.argv[1]), Path(sys.argv[2]))
