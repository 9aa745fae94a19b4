"""The yardstick: a Litestar handler that renders a Jinja page and does nothing else. Fixed; only its padding follows.

The page is what such pages are made of: sixty values by name and three loops of seventeen rows, 213 values in all,
which is how many the first page of the flow fills in and escapes; and around them text that never changes.
`BARE_BYTES` says how large the whole is to be: as large as the product's page.
"""

from __future__ import annotations

import os

from jinja2 import Environment, Template
from litestar import Litestar, get
from litestar.response import Response

_VALUES = 60
_LOOPS = 3
_ROWS = 17
_PADDING = ".a{color:#123456}"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ value_0 }}</title><style>__PADDING__</style></head><body>
<dl>__VALUES__</dl>
{% for table in tables %}<table>{% for row in table %}
<tr class="row"><td>{{ row.number }}</td><td class="name">{{ row.name }}</td><td>{{ row.amount }}</td></tr>{% endfor %}
</table>{% endfor %}</body></html>
"""


def page_of(size_bytes: int) -> tuple[Template, dict[str, object]]:
    """The template padded to the size, and its values."""
    names = [f"value_{number}" for number in range(_VALUES)]
    listed = "\n".join(f"<div><dt>{name}</dt><dd>{{{{ {name} }}}}</dd></div>" for name in names)
    source = _PAGE.replace("__VALUES__", listed)
    tables = [
        [{"number": n, "name": f"Row {n} & more", "amount": f"{n}.00 EUR"} for n in range(_ROWS)]
        for _ in range(_LOOPS)
    ]
    context: dict[str, object] = {name: f"Value of {name}" for name in names} | {"tables": tables}
    environment = Environment(autoescape=True)
    bare_bytes = len(environment.from_string(source.replace("__PADDING__", "")).render(context))
    padding = _PADDING * (max(0, size_bytes - bare_bytes) // len(_PADDING))
    return environment.from_string(source.replace("__PADDING__", padding)), context


def create_app() -> Litestar:
    template, context = page_of(int(os.environ.get("BARE_BYTES", "20000")))

    @get("/page", media_type="text/html", sync_to_thread=False)
    def page() -> str:
        return template.render(context)

    @get("/plain", media_type="text/plain", sync_to_thread=False)
    def plain() -> Response[str]:
        return Response("ok", media_type="text/plain")

    return Litestar([page, plain], openapi_config=None)
