"""Who hears Ctrl-C. Under `make` the terminal tells make too, which then ends with status 130 whatever its program says.

The Makefile asks for this by the environment; without it, or without a terminal, nothing here does anything.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

ASKED_BY = "FOGBELL_OWNS_TERMINAL"


@contextmanager
def own_terminal() -> Iterator[None]:
    """Be the terminal's foreground process group for so long, alone, where that was asked for."""
    terminal = _terminal() if os.environ.pop(ASKED_BY, "") else None
    if terminal is None:
        yield
        return
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # for giving the terminal back
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)  # Ctrl-Z would stop us alone, and nobody could wake us
    before = os.tcgetpgrp(terminal)
    os.setpgid(0, 0)
    os.tcsetpgrp(terminal, os.getpgrp())
    try:
        yield
    finally:
        os.tcsetpgrp(terminal, before)
        os.close(terminal)


def _terminal() -> int | None:
    """The controlling terminal where we are in its foreground, and not `make run &`."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    if os.tcgetpgrp(terminal) == os.getpgrp():
        return terminal
    os.close(terminal)
    return None
