"""The print door: a folder of PDFs with a manifest that a printing house takes away, and the sandbox letterbox.

A letter is there once its line stands in `manifest.jsonl`: the sheet was on disk before. A repeat after a crash finds
the line and adds nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from pathlib import Path
from typing import IO, Final

from app.kernel import clock, db
from app.messages.ports import Letter, NeverTaken, NotTaken
from app.messages.sandbox_inbox import remember_message

MANIFEST: Final = "manifest.jsonl"


class LetterFolder:
    """Writes sheets and manifest into one folder, which several workers may share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, letter: Letter, timeout_s: float) -> None:
        """Raises NotTaken while the folder cannot be written."""
        db.refuse_in_transaction("letters")
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.to_thread(self._write, letter)
        except (OSError, TimeoutError):
            raise NotTaken("folder_not_written", certain=False) from None

    def _write(self, letter: Letter) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / MANIFEST).open("a+", encoding="utf-8") as manifest:
            fcntl.flock(manifest, fcntl.LOCK_EX)
            manifest.seek(0)
            if any(json.loads(line)["id"] == letter.letter_id for line in manifest):
                return
            name = f"{letter.letter_id}-{letter.sheet.name}"
            _write_whole(self._folder / name, letter.sheet.data)
            _append(manifest, letter, name)


class NoPrinter:
    """Live mode without KOLME_LETTER_DIR: nothing is printed, and whoever asked sees it in the failed deliveries."""

    async def send(self, letter: Letter, timeout_s: float) -> None:
        del letter, timeout_s
        db.refuse_in_transaction("letters")
        raise NeverTaken("no_print_door")


class SandboxPostbox:
    """Test mode: every letter is kept, and seen beside the page."""

    async def send(self, letter: Letter, timeout_s: float) -> None:
        del timeout_s
        db.refuse_in_transaction("letters")
        await remember_message(
            "letter",
            letter.to[0],
            subject=letter.subject,
            body="\n".join(letter.to),
            merchant_id=letter.merchant_id,
            attachments=(letter.sheet,),
        )


def _write_whole(path: Path, data: bytes) -> None:
    """Under another name first: a printing house that looks meanwhile sees a whole sheet or none."""
    draft = path.with_suffix(".part")
    with draft.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.rename(path)


def _append(manifest: IO[str], letter: Letter, name: str) -> None:
    entry = {
        "id": letter.letter_id,
        "file": name,
        "to": letter.to,
        "subject": letter.subject,
        "at": clock.wall().isoformat(),
    }
    manifest.write(json.dumps(entry, ensure_ascii=False) + "\n")
    manifest.flush()
    os.fsync(manifest.fileno())
