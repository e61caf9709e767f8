"""The errors a user may see."""


class LesionsError(Exception):
    """Something the user can mend: one paragraph that says what, where and how to mend it.

    The command line prints the text alone and exits with status 1; ``--debug`` shows the
    traceback.
    """
