"""A child process that ends when its parent does, however the parent died."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT_VARIABLE = "KOLME_PARENT_PID"
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Asks the kernel for SIGTERM when the parent ends. Only Linux offers it; elsewhere this does nothing."""
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:
        # The parent was gone before the kernel knew that we care.
        os.kill(os.getpid(), signal.SIGTERM)


def die_with_supervisor() -> None:
    """For a process that may have been started by the supervisor: bound to it if so, free otherwise."""
    parent = os.environ.pop(PARENT_VARIABLE, "")
    if parent.isdigit():
        die_with_parent(int(parent))
