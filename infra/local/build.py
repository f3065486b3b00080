"""Runs a cargo build and prints its progress every 30 seconds. On a terminal, cargo draws its own progress bar.

Standard library only: it runs while the local cloud is being installed.
"""

import os
import subprocess
import sys
import threading
import time

SECONDS_BETWEEN_LINES = 30


def cargo(arguments: list[str]) -> int:
    # The job server of make would limit cargo to make's free jobs.
    env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    command = ["cargo", *arguments]
    if sys.stderr.isatty():
        return subprocess.run(command, env=env).returncode
    running = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)
    progress = Progress()
    threading.Thread(target=progress.report, daemon=True).start()
    for line in running.stderr:
        progress.read(line)
    return running.wait()


class Progress:
    """The progress that cargo has reported. Other lines are printed."""

    def __init__(self) -> None:
        self.began, self.started, self.crate = time.monotonic(), 0, ""

    def read(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word in ("Compiling", "Checking"):
            self.started, self.crate = self.started + 1, rest.split(" (")[0]
        elif word not in ("Updating", "Downloading", "Downloaded", "Locking", "Adding", "Finished", "Blocking"):
            print(line, end="", file=sys.stderr, flush=True)

    def report(self) -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_LINES)
            minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
            print(f"  {minutes} min {seconds:02} s: {self.started} crates started, the last is {self.crate or 'yet to come'}",
                  flush=True)


if __name__ == "__main__":
    try:
        sys.exit(cargo(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
