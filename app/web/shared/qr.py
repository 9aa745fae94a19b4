"""A QR code of an address, as a picture inside the page: no request, sharp at any size, dark on white always."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import segno
from markupsafe import Markup, escape

# What ISO/IEC 18004 asks for around the code: without it many cameras find nothing.
QUIET_ZONE: Final = 4


def qr_picture(text: str, label: str) -> Markup:
    """`text` as an SVG image that a screen reader calls `label`. Raises ValueError for more than a code can hold."""
    # "M" repairs a reflection on a screen; more would only make the modules smaller.
    code = segno.make(text, error="m", micro=False, boost_error=False)
    path = []
    for y, row in enumerate(code.matrix, start=QUIET_ZONE):
        at = QUIET_ZONE
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                path.append(f"M{at} {y}h{width}v1h-{width}z")
            at += width
    side = len(code.matrix) + 2 * QUIET_ZONE
    # Drawn from numbers; the one text in it is escaped.
    return Markup(  # noqa: S704
        f'<svg class="qr" role="img" aria-label="{escape(label)}" viewBox="0 0 {side} {side}"'
        f' shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/>'
        f'<path fill="#000" d="{"".join(path)}"/></svg>'
    )
