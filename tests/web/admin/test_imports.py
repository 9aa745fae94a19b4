"""Staff send a file of orders, see what was found in it, make the orders, and take their links away."""

from __future__ import annotations

import csv
import html
import io
import re

import httpx
import pytest
from litestar.types import ASGIApp

from app.kernel import db
from app.kernel.jobs import Done, Outcome
from app.kernel.outbox import Job
from app.links.bulk import jobs
from app.links.bulk.actions import JOB_KIND
from app.links.bulk.sheet import FILE_MAX_BYTES
from app.merchants.queries import Merchant
from app.web.admin.imports import EXAMPLE
from app.worker import Worker
from tests.factories.checkout import a_merchant
from tests.support import pages
from tests.web.admin.conftest import a_person, sign_in

SEND = "/admin/orders/import"
HEAD = "reference,item,price,vat,email"
GOOD = "R-1,Wool blanket,129.00,25.5,aino@example.test"


async def _nothing(_job: Job) -> Outcome:
    return Done()


async def work() -> None:
    await Worker({JOB_KIND: jobs.work, "event": _nothing}).run_once()


async def send(
    desk: httpx.AsyncClient, content: str | bytes, *, name: str = "orders.csv", **fields: str
) -> httpx.Response:
    data = content if isinstance(content, bytes) else content.encode()
    return await desk.post(SEND, files={"file": (name, data, "text/csv")}, data=fields)


async def sent(desk: httpx.AsyncClient, *rows: str, **fields: str) -> str:
    """The address of an import that a worker has looked through."""
    answer = await send(desk, "\n".join((HEAD, *rows)), **fields)
    assert answer.status_code == 303, answer.text
    await work()
    return answer.headers["location"]


async def text(desk: httpx.AsyncClient, address: str) -> str:
    """What a page says, without its markup."""
    page = (await desk.get(address)).text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page[page.index("<main") :])))


async def press(desk: httpx.AsyncClient, address: str, step: str) -> httpx.Response:
    answer = await desk.post(f"{address}/{step}")
    await work()
    return answer


async def references(merchant: Merchant) -> set[str]:
    rows = await db.fetch_all("SELECT reference FROM orders WHERE merchant_id = $1", merchant.id)
    return {row["reference"] for row in rows}


def rows_of(body: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body.removeprefix("\ufeff"))))


async def test_a_file_is_checked_and_nothing_is_made_of_it_yet(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    address = await sent(desk, GOOD, "R-2,Cup,,25.5,nobody")
    said = await text(desk, address)
    assert "Checked. Nothing is made yet." in said
    assert "1 order can be made" in said.replace("order can be made 1", "1 order can be made")
    assert "price This is needed." in said
    assert "email This is no e-mail address." in said
    assert await references(merchant) == set()


async def test_its_orders_are_made_and_taken_away_with_their_links(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    address = await sent(desk, GOOD, "R-2,Cup,,25.5,nobody", valid_days="14")
    assert (await press(desk, address, "start")).status_code == 303
    assert "Done. Each order has its link." in await text(desk, address)
    assert await references(merchant) == {"R-1"}
    answer = await desk.get(f"{address}/result.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="orders-with-links.csv"'
    assert answer.headers["cache-control"] == "no-store"
    made, wrong = rows_of(answer.text)
    assert (made["reference"], made["status"], made["line"]) == ("R-1", "made", "2")
    token = await db.fetch_value("SELECT token FROM payment_links WHERE merchant_id = $1", merchant.id)
    assert made["link"].endswith(f"/link/{token}")
    assert (wrong["status"], wrong["faults"], wrong["link"]) == (
        "faulty",
        "price: missing; email: malformed",
        "",
    )


async def test_a_file_sent_again_with_its_corrections_adds_only_what_is_new(
    desk: httpx.AsyncClient, merchant: Merchant
) -> None:
    await press(desk, await sent(desk, GOOD, "R-2,Cup,,25.5,"), "start")
    address = await sent(desk, GOOD, "R-2,Cup,5,25.5,")
    assert "Made before" in await text(desk, f"{address}?show=made")
    await press(desk, address, "start")
    assert await references(merchant) == {"R-1", "R-2"}
    assert await db.fetch_value("SELECT count(*) FROM orders WHERE merchant_id = $1", merchant.id) == 2


async def test_rows_can_be_pasted_as_well(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    fields = {"rows": f"{HEAD}\n{GOOD}\n", "key": "x", "valid_days": "7"}
    answer = await desk.post(SEND, files={"file": ("", b"")}, data=fields)
    assert answer.status_code == 303
    await work()
    assert "Pasted rows" in await text(desk, answer.headers["location"])
    await press(desk, answer.headers["location"], "start")
    assert await references(merchant) == {"R-1"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The file is empty."),
        (f"{HEAD}\nM\xf6kki,1,2,3,".encode("latin-1"), "Save it as “CSV UTF-8”"),
        (b"a" * (FILE_MAX_BYTES + 1), "The file is larger than 5 MB."),
        (b"reference,item,price\nA,B,1", "The first row names the columns, and vat is not among them."),
        (b"reference,item,price,vat,VAT\nA,B,1,0,0", "The column vat stands there twice."),
    ],
)
async def test_a_file_that_is_none_is_refused_at_its_field(
    desk: httpx.AsyncClient, content: bytes, said: str
) -> None:
    answer = await send(desk, content, valid_days="30")
    assert answer.status_code == 422
    page = html.unescape(answer.text)
    assert said in page
    assert re.search(r'<input[^>]*name="file"[^>]*aria-invalid="true"', page)
    assert re.search(r'<option value="30" selected>', page)


async def test_nothing_that_was_pasted_is_lost(desk: httpx.AsyncClient) -> None:
    rows = 'reference,item\r\n"A",<script>alert(1)</script>\r\n'
    answer = await desk.post(SEND, files={"file": ("", b"")}, data={"rows": rows})
    assert answer.status_code == 422
    kept = re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.DOTALL)
    assert kept is not None
    assert html.unescape(kept[1]).split() == rows.split()
    assert "<script>alert" not in answer.text


async def test_without_a_file_or_rows_somebody_is_asked_for_them(desk: httpx.AsyncClient) -> None:
    answer = await desk.post(SEND, files={"file": ("", b"")}, data={"rows": " \n"})
    assert answer.status_code == 422
    assert "Choose a file, or paste rows." in answer.text


async def test_bytes_that_are_no_form_are_a_bad_request(desk: httpx.AsyncClient) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert (await desk.post(SEND, content=b"\xff\0--x", headers=headers)).status_code == 400


async def test_a_form_sent_twice_is_one_import(desk: httpx.AsyncClient) -> None:
    page = (await desk.get(SEND)).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    first = await send(desk, f"{HEAD}\n{GOOD}", key=key[1])
    again = await send(desk, f"{HEAD}\n{GOOD}", key=key[1])
    assert first.headers["location"] == again.headers["location"]


async def test_what_a_person_typed_runs_in_no_spreadsheet_and_in_no_page(
    desk: httpx.AsyncClient,
) -> None:
    address = await sent(desk, """=cmd|' /C calc'!A0,<b>Cup</b>,,0,"@x""", '"+1",Cup,1,0,')
    page = (await desk.get(address)).text
    assert "<b>Cup" not in page
    result = (await desk.get(f"{address}/result.csv")).text
    cells = [cell for row in csv.reader(io.StringIO(result.removeprefix("\ufeff"))) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


async def test_a_file_is_thrown_away(desk: httpx.AsyncClient, merchant: Merchant) -> None:
    address = await sent(desk, GOOD)
    assert (await press(desk, address, "drop")).status_code == 303
    assert "This file was thrown away" in await text(desk, address)
    assert (await press(desk, address, "start")).status_code == 409
    assert await references(merchant) == set()


async def test_while_a_worker_is_at_it_the_page_asks_for_itself_again(desk: httpx.AsyncClient) -> None:
    answer = await send(desk, f"{HEAD}\n{GOOD}")
    address = answer.headers["location"]
    page = (await desk.get(address)).text
    assert 'hx-trigger="every 1s"' in page
    assert "<noscript><meta http-equiv=" in page
    await work()
    piece = (await desk.get(address, headers={"HX-Request": "true"})).text
    assert "<html" not in piece
    assert "hx-trigger" not in piece


async def test_many_faults_come_page_by_page(desk: httpx.AsyncClient) -> None:
    address = await sent(desk, *(f"R-{number},Cup,x,0," for number in range(120)))
    seen: list[str] = []
    here: str | None = address
    while here is not None:
        page = (await desk.get(here)).text
        seen += re.findall(r"<th scope=\"row\">(R-\d+)</th>", page)
        following = re.search(r'href="([^"]+after=[^"]+)"', page)
        here = html.unescape(following[1]) if following else None
    assert seen == [f"R-{number}" for number in range(120)]


async def test_another_shops_files_are_not_found(
    desk: httpx.AsyncClient, app: ASGIApp, merchant: Merchant
) -> None:
    del merchant
    address = await sent(desk, GOOD)
    other = await a_person(await a_merchant("Other"), "other@shop.example")
    async with pages.browser(app) as client:
        await sign_in(client, other)
        for path in (
            address,
            f"{address}/result.csv",
            f"{SEND}/imp_nothing",
            f"{SEND}/imp_nothing/result.csv",
        ):
            assert (await client.get(path)).status_code == 404
        for step in ("start", "stop", "drop", "explode"):
            assert (await client.post(f"{address}/{step}")).status_code == 404
    assert "Checked" in await text(desk, address)


async def test_only_staff_send_files(stranger: httpx.AsyncClient) -> None:
    answer = await send(stranger, f"{HEAD}\n{GOOD}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/sign-in")
    assert await db.fetch_value("SELECT count(*) FROM order_imports") == 0


async def test_the_example_is_a_file_that_can_be_sent(desk: httpx.AsyncClient) -> None:
    example = (await desk.get(f"{SEND}/example.csv")).text
    assert example.removeprefix("\ufeff").replace("\r\n", "\n") == EXAMPLE.replace("\r\n", "\n")
    answer = await send(desk, example)
    await work()
    said = await text(desk, f"{answer.headers['location']}?show=ready")
    assert "1001" in said
    assert "have a fault" not in said
