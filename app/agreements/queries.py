"""Reads of signed agreements. The document itself comes only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.agreements.content import Sheet
from app.kernel import db


@dataclass(frozen=True, slots=True)
class AgreementView:
    """A signed agreement without its words: by whom, on which quote, when. Hashes are SHA-256 as hex."""

    public_id: str
    order_id: UUID
    order_public_id: str
    quote_id: str
    quote_hash: str
    document_hash: str
    lang: str
    signed_at: datetime
    remind_at: datetime


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """The PDF as it was drawn and sent, and the name it is saved under."""

    name: str
    data: bytes = field(repr=False)


_COLUMNS: Final = """a.public_id, a.order_id, o.public_id AS order_public_id, a.quote_id, a.quote_hash, a.document_hash,
    a.lang, a.signed_at, a.remind_at"""
_OF_ORDER: Final = """FROM agreements a JOIN orders o ON o.merchant_id = a.merchant_id AND o.id = a.order_id
    WHERE a.merchant_id = $1 AND o.public_id = $2"""


async def agreement_of_order(merchant_id: UUID, order_public_id: str) -> AgreementView | None:
    """None while it is not drawn, and for an order that was not bought."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} {_OF_ORDER}", merchant_id, order_public_id)
    return None if row is None else AgreementView(**dict(row.items()))


async def document_of_order(merchant_id: UUID, order_public_id: str) -> StoredDocument | None:
    row = await db.fetch_one(f"SELECT a.public_id, a.document {_OF_ORDER}", merchant_id, order_public_id)
    return None if row is None else StoredDocument(file_name(row["public_id"]), bytes(row["document"]))


async def sheet_of_order(merchant_id: UUID, order_public_id: str) -> Sheet | None:
    """What the agreement says. Raises QuoteDamagedError when its figures are not those of its quote's id."""
    content: Mapping[str, object] | None = await db.fetch_value(
        f"SELECT a.content {_OF_ORDER}", merchant_id, order_public_id
    )
    return None if content is None else Sheet.from_data(content)


def file_name(public_id: str) -> str:
    return f"agreement-{public_id}.pdf"
