"""The provider of `providers`, whose book is a file: it outlives the process that calls it, as a provider does."""

from __future__ import annotations

import fcntl
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.kernel.money import Money
from app.payments.ports import Dispute, ProviderMethod
from tests.support.providers import FakeProvider

T = TypeVar("T")


class KeptProvider(FakeProvider):
    """One provider, as every process sees it that knows the file. What a call changes is kept before it is answered."""

    def __init__(self, path: Path, method: ProviderMethod = "card") -> None:
        super().__init__(method)
        self._path = path
        with self._open():
            pass

    def approve(self, provider_ref: str | None, amount: Money | None = None) -> None:
        with self._open():
            super().approve(provider_ref, amount)

    def dispute(self, provider_ref: str | None, *args: Any, **more: Any) -> Dispute:
        with self._open():
            return super().dispute(provider_ref, *args, **more)

    async def _call(self, call: str, effect: Callable[[], T]) -> T:
        def kept() -> T:
            with self._open():
                return effect()

        return await super()._call(call, kept)

    @contextmanager
    def _open(self) -> Iterator[None]:
        """The book as it is now; what is written into it is kept whole, or not at all, whoever dies here."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._path.exists():
                # Written by a test of this run, in a folder of its own.
                told = pickle.loads(self._path.read_bytes())
                self.book, self.opened, self.effects, self.disputed, self._answers = told
            yield
            new = self._path.with_suffix(".new")
            kept = (self.book, self.opened, self.effects, self.disputed, self._answers)
            new.write_bytes(pickle.dumps(kept))
            new.replace(self._path)
