"""`make down`: stops the local cloud and deletes its data. The builds and the last report are kept."""

import sys

from cloud import Failed, here

if __name__ == "__main__":
    try:
        cloud = here()
        with cloud.locked():
            stopped = cloud.stop()
    except (Failed, OSError) as problem:
        sys.exit(f"down: {problem}")
    print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing was running.")
