"""The version of ministack that the additions are made for."""

import subprocess
import sys
import unittest
from pathlib import Path

import harness

ADDITIONS = Path(harness.additions.__file__)
WITH_ANOTHER_VERSION = ("import importlib.metadata, os, runpy, sys; sys.path.insert(0, os.path.dirname(sys.argv[1])); "
                        "importlib.metadata.version = lambda name: '9.9.9'; "
                        "runpy.run_path(sys.argv[1], run_name='__main__')")


class Version(unittest.TestCase):
    def test_another_version_is_refused_in_one_line(self):
        done = subprocess.run([sys.executable, "-c", WITH_ANOTHER_VERSION, str(ADDITIONS)], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("made for ministack 1.5.33, but 9.9.9 is installed", done.stderr)

    def test_each_addition_says_what_aws_does_and_what_ministack_does(self):
        for addition in harness.additions.ADDITIONS:
            self.assertIn("ministack", addition.__doc__)
            self.assertRegex(addition.__doc__, "Documented|Recorded", addition.__name__)
