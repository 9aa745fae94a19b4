"""The QR code of an address, as pages draw it."""

from __future__ import annotations

import re

import segno

from app.web.shared.qr import QUIET_ZONE, qr_picture

ADDRESS = "https://pay.example.com/link/3z7m9qk2v5x8c4b6n1t0r7y5w2"


def test_the_picture_holds_exactly_the_modules_of_the_code() -> None:
    code = segno.make(ADDRESS, error="m", micro=False, boost_error=False)
    drawn = set()
    for at, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", str(qr_picture(ADDRESS, "A code"))):
        drawn |= {(int(at) + step, int(y)) for step in range(int(width))}
    dark = {
        (x + QUIET_ZONE, y + QUIET_ZONE)
        for y, row in enumerate(code.matrix)
        for x, module in enumerate(row)
        if module
    }
    assert drawn == dark


def test_a_camera_finds_it_on_a_dark_page_too() -> None:
    picture = str(qr_picture(ADDRESS, "A code"))
    side = re.search(r'viewBox="0 0 (\d+) (\d+)"', picture)
    assert side is not None
    assert f'<rect width="{side[1]}" height="{side[2]}" fill="#fff"/>' in picture


def test_its_name_is_text_and_never_markup() -> None:
    assert "&lt;b&gt; &#34;" in str(qr_picture(ADDRESS, '<b> "'))
