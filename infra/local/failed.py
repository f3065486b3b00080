"""The error of every script: one line that says what went wrong and what to do."""


class Failed(Exception):
    """What went wrong, in one line that says what to do."""
