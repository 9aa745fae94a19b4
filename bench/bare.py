"""The yardstick: a Litestar handler that renders a Jinja page and does nothing else. Fixed; only its size follows.

`BARE_BYTES` says how large the page is to be, so that it weighs what the product's page weighs.
"""

from __future__ import annotations

import os

from jinja2 import Environment
from litestar import Litestar, get
from litestar.response import Response

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title></head><body>
<h1>{{ title }}</h1>
<table>{% for row in rows %}
<tr><td>{{ row.number }}</td><td>{{ row.name }}</td><td>{{ row.amount }}</td></tr>{% endfor %}
</table></body></html>
"""
_ROW_BYTES = 64


def rows_for(size_bytes: int) -> list[dict[str, object]]:
    return [
        {"number": number, "name": f"Row {number} & more", "amount": f"{number}.00 EUR"}
        for number in range(max(1, size_bytes // _ROW_BYTES))
    ]


def create_app() -> Litestar:
    template = Environment(autoescape=True).from_string(_PAGE)
    size_bytes = int(os.environ.get("BARE_BYTES", "20000"))
    rows = rows_for(size_bytes)
    while len(template.render(title="Bare", rows=rows)) > size_bytes and len(rows) > 1:
        rows.pop()

    @get("/page", media_type="text/html", sync_to_thread=False)
    def page() -> str:
        return template.render(title="Bare", rows=rows)

    @get("/plain", media_type="text/plain", sync_to_thread=False)
    def plain() -> Response[str]:
        return Response("ok", media_type="text/plain")

    return Litestar([page, plain], openapi_config=None)
