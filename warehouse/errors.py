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
    """Something the user can mend: one paragraph that says what, where and how to mend it.

    The command line prints the text alone and exits with status 1; ``--debug`` shows the
    traceback.
    """

    def __str__(self) -> str:
        return printable(super().__str__())
