"""`make conformance`: our OpenID Connect client against a certified provider on loopback, as a table.

`--keep FILE` writes the table there too. Ends with 1 when a case did not go as it must.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.conformance.cases import CLIENTS, REFUSED, RIGHT
from tests.conformance.foreign import Foreign, installed, running

Case = Callable[[Foreign], Awaitable[str]]

HEAD = """# Conformance of the OpenID Connect client

Written by `make conformance`: our client against the npm package `oidc-provider` {version}, a certified OpenID
provider, over HTTP on loopback. {passed} of {all} cases went as they must.
"""


async def seen(case: Case, foreign: Foreign) -> tuple[bool, str]:
    try:
        return True, await case(foreign)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a case is its row
        return False, f"{type(error).__name__}: {error}".replace("\n", " ").replace("|", "/")[:300]


async def rows(cases: tuple[Case, ...], foreign: Foreign) -> list[tuple[bool, str]]:
    found = []
    for case in cases:
        went, what = await seen(case, foreign)
        title = (case.__doc__ or "").strip()
        found.append((went, f"| {title} | {'yes' if went else '**NO**'} | {what} |"))
    return found


def section(title: str, found: list[tuple[bool, str]]) -> str:
    table = "\n".join(row for _, row in found)
    return f"\n## {title}\n\n| case | as it must | seen |\n|---|---|---|\n{table}\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="conformance")
    parser.add_argument("--keep", type=Path)
    keep: Path | None = parser.parse_args().keep
    version = installed()
    with running(CLIENTS) as foreign:
        right, refused = asyncio.run(all_of(foreign))
    both = [went for went, _ in right + refused]
    text = HEAD.format(version=version, passed=sum(both), all=len(both))
    text += section("What must go right", right) + section("What must be refused", refused)
    print(text)  # noqa: T201 - the table is what it is for
    if keep is not None:
        keep.write_text(text, encoding="utf-8")
    return 0 if all(both) else 1


async def all_of(foreign: Foreign) -> tuple[list[tuple[bool, str]], list[tuple[bool, str]]]:
    return await rows(RIGHT, foreign), await rows(REFUSED, foreign)


if __name__ == "__main__":
    sys.exit(main())
