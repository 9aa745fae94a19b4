"""Where a shop's model starts: learnt from simulated years, because a shop begins with no past and no shop's past is
another's business. `python -m bench.risk_prior` makes the file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from app.risk.errors import ModelBroken
from app.risk.scoring import Content, digest_of

PRIOR_FILE: Final = Path(__file__).with_name("prior.json")


class PriorFile(msgspec.Struct, frozen=True):
    """The content, and its SHA-256 in hex."""

    digest: str
    content: Content


@lru_cache(maxsize=1)
def prior() -> Content:
    """Raises ModelBroken when the file is missing or is not what it was made."""
    return read_prior(PRIOR_FILE)


def read_prior(path: Path) -> Content:
    try:
        told = msgspec.json.decode(path.read_bytes(), type=PriorFile)
    except OSError as error:
        raise ModelBroken("file") from error
    except msgspec.DecodeError as error:
        raise ModelBroken("shape") from error
    if digest_of(told.content).hex() != told.digest:
        raise ModelBroken("digest")
    return told.content
