"""Makes `nightly` self-contained: appends the templates, the state machines and the zips to its file as an archive.

`python infra/dist.py PROGRAM ZIPS INTO` writes INTO, and its checksum beside it.
"""

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from package import FUNCTIONS, NEVER

ROOT = Path(__file__).parents[1]


def bundle(program: Path, zips: Path, into: Path) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, into)
    # The zips are already compressed.
    with zipfile.ZipFile(into, "a", zipfile.ZIP_STORED) as archive:
        for folder in ("infra", "statemachine"):
            for file in sorted((ROOT / folder).glob("*.yaml")):
                archive.writestr(zipfile.ZipInfo(f"{folder}/{file.name}", NEVER), file.read_bytes())
        for function in FUNCTIONS:
            archive.writestr(zipfile.ZipInfo(f"target/package/{function}.zip", NEVER), (zips / f"{function}.zip").read_bytes())
    into.chmod(0o755)
    digest = hashlib.sha256(into.read_bytes()).hexdigest()
    into.with_name(into.name + ".sha256").write_text(f"{digest}  {into.name}\n")
    print(f"{into}: {into.stat().st_size / 1e6:.1f} MB, sha256 {digest}")


if __name__ == "__main__":
    bundle(*map(Path, sys.argv[1:]))
