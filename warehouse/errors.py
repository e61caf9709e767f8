"""The errors a user may see."""


def printable(text: str) -> str:
    """A text that steers no terminal: control characters, such as ESC, are written out.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in "\n\t" else sign.encode("unicode_escape").decode()
        for sign in text
    )


class LesionsError(Exception):
    """Something the user can correct: one paragraph that says what, where and how to correct it.

    The command line prints the text alone and exits with ``status``; ``--debug`` shows the
    traceback. Plain, it is an input that is wrong.
    """

    status = 1

    def __str__(self) -> str:
        return printable(super().__str__())


class CommandError(LesionsError):
    """The command is wrong: no project, a selector or a setting of the environment unknown."""

    status = 2


class CheckFailedError(LesionsError):
    """A critical check failed: nothing was published."""

    status = 3


class LockedError(LesionsError):
    """Another run holds the lock."""

    status = 4


class MachineError(LesionsError):
    """The machine failed: a full disk, a right that is missing, no memory."""

    status = 5
