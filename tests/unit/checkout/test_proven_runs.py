"""A run of the whole product ends with the proof of its books, which fails it when one cent is not accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kernel import db as kernel
from tests.factories.checkout import a_merchant, a_shopper_at_confirm
from tests.support.proven import assert_proven


async def test_a_run_that_posted_wrongly_fails_with_the_sentence_that_does_not_hold(
    db: str, tmp_path: Path
) -> None:
    shopper = await a_shopper_at_confirm(await a_merchant())
    await shopper.confirm()
    product = {"DATABASE_URL": db, "KOLME_VAR_DIR": str(tmp_path)}
    assert_proven(**product)

    async def damage() -> None:
        await kernel.execute("SET LOCAL session_replication_role = replica")
        await kernel.execute("UPDATE postings SET amount_minor = amount_minor + 1 WHERE amount_minor > 0")

    await kernel.in_tx(damage)
    with pytest.raises(
        AssertionError, match=r"The books do not hold: .*\n.*I1 a transfer's postings sum to zero"
    ):
        assert_proven(**product)
