"""The error of every script: one line that says what went wrong and what to do."""


class Failed(Exception):
    """An error whose message is one line with the problem and its remedy."""
