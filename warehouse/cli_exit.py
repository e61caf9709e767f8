"""How the command ends: an error as one paragraph, Ctrl-C, and in which form both are written."""

from __future__ import annotations

import os
import sys
import threading
from types import FrameType

import click

from warehouse.errors import LesionsError, MachineError

INTERRUPTED = "interrupted; what was published before is as it was."
interrupts: list[int] = []
"""The signals so far."""
_IMPORT_SECONDS = 0.05
"""After so long an import is looked for again."""


def take_log_format(arguments: list[str]) -> list[str]:
    """Sets how progress and errors are written, from --log-format or the environment."""
    from warehouse import logs

    rest, given = [], os.environ.get("LESIONS_LOG_FORMAT")
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--log-format":
            given = next(waiting, "")
        elif argument.startswith("--log-format="):
            given = argument.partition("=")[2]
        else:
            rest.append(argument)
    if given is not None and given not in logs.FORMATS:
        stop(f"error: --log-format is one of {', '.join(logs.FORMATS)}, not {given!r}.", 2)
    logs.use(given or "text")
    return rest


def note_interrupt(number: int, frame: FrameType | None) -> None:
    """Notes Ctrl-C: what a library makes of the KeyboardInterrupt is then still told for one.

    Amid an import it waits: DuckDB imports from C++, where an exception ends the process at once.
    """
    interrupts.append(number)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            threading.Timer(_IMPORT_SECONDS, os.kill, (os.getpid(), number)).start()
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def run_group(group: click.Group, arguments: list[str], debug: bool) -> None:
    """Runs a command of the group; what is the user's to put right is one paragraph."""
    try:
        group.main(args=arguments, prog_name="lesions", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        stop(INTERRUPTED, 130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except LesionsError as error:
        if debug or interrupts:
            raise
        stop(f"error: {error}", error.status)
    except OSError as error:
        if debug or interrupts:
            raise
        stop(f"error: {_what_failed(error)}", MachineError.status)


def _what_failed(error: OSError) -> str:
    """An error of the system as one paragraph, with the path where it names one."""
    place = error.filename2 or error.filename or "reading or writing"
    return f"{place}: {error.strerror or error}. What was published before is as it was."


def stop(text: str, status: int) -> None:
    """Writes the last paragraph, and ends with the exit status."""
    from warehouse import logs

    if logs.is_json():
        text = logs.record("error", text.removeprefix("error: "), status=status)
    click.echo(text, err=True)
    sys.exit(status)
