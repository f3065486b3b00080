"""`make down`: stops the local cloud. What it held is gone; the functions' builds and the last report stay."""

import sys

from up import deploy, here

if __name__ == "__main__":
    try:
        stopped = here().stop()
    except deploy.Failed as problem:
        sys.exit(f"down: {problem}")
    print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")
