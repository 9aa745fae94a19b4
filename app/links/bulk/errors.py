"""What an import of orders refuses."""

from __future__ import annotations

from typing import ClassVar

from app.kernel.errors import Refusal


class FileRefused(Refusal):
    """No orders can be read out of the file at all. `reason` says why, `detail` what it is about (a column)."""

    code: ClassVar[str] = "file_refused"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class ImportUnknown(Refusal):
    """This merchant has no such import."""

    code: ClassVar[str] = "not_found"


class ImportMoved(Refusal):
    """The import is in a state in which this cannot be done to it any more, or not yet."""

    code: ClassVar[str] = "import_moved"

    def __init__(self, state: str) -> None:
        super().__init__(f"the import is {state}")
        self.state = state
