"""An import's life: the file is checked, somebody looks at what was found, and its rows become orders."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from app.kernel.states import Machine


class ImportState(StrEnum):
    CHECKING = "checking"
    REFUSED = "refused"
    CHECKED = "checked"
    DROPPED = "dropped"
    MAKING = "making"
    STOPPED = "stopped"
    DONE = "done"


class RowState(StrEnum):
    """What became of a row. `known`: the same row has made its order before."""

    READY = "ready"
    FAULTY = "faulty"
    KNOWN = "known"
    MADE = "made"
    FAILED = "failed"


_S = ImportState

# In which a worker is at it.
BUSY: Final = frozenset({_S.CHECKING, _S.MAKING})

EDGES: Final[dict[tuple[str, str], str]] = {
    (_S.CHECKING, _S.CHECKED): "import.checked",
    (_S.CHECKING, _S.REFUSED): "import.refused",
    (_S.CHECKED, _S.MAKING): "import.started",
    (_S.CHECKED, _S.DROPPED): "import.dropped",
    (_S.MAKING, _S.STOPPED): "import.stopped",
    (_S.STOPPED, _S.MAKING): "import.resumed",
    (_S.MAKING, _S.DONE): "import.done",
}

MACHINE: Final = Machine("import", table="order_imports", history_table="order_import_history", edges=EDGES)
