"""Code 128 in code set C, and how codes are drawn as vectors. Pure. The patterns are those of ISO/IEC 15417."""

from __future__ import annotations

from itertools import groupby
from typing import Final

import segno

# Widths of bar, space, bar, space, bar, space for each of the 106 values; the stop pattern has one bar more.
_WIDTHS: Final = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 "
    "113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 "
    "212123 212321 232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 "
    "113123 113321 133121 313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 "
    "314111 221411 431111 111224 111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 "
    "241211 221114 413111 241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 "
    "214121 412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 211214 "
    "211232"
)
_PATTERNS: Final = tuple(_WIDTHS.split())
_STOP: Final = "2331112"
_START_C: Final = 105
_MODULUS: Final = 103


def code_128_c(digits: str) -> tuple[int, ...]:
    """Widths in modules, bar and space by turns, of an even number of digits. Quiet zones are not in it."""
    if not (digits.isascii() and digits.isdigit()) or len(digits) % 2:
        raise ValueError("code set C holds pairs of digits")
    values = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    check = (_START_C + sum(place * value for place, value in enumerate(values, start=1))) % _MODULUS
    patterns = [*(_PATTERNS[value] for value in (_START_C, *values, check)), _STOP]
    return tuple(int(width) for pattern in patterns for width in pattern)


def barcode_svg(digits: str, height: int = 40) -> str:
    """The barcode as one path, a module being one unit wide."""
    path, at = [], 0
    for place, width in enumerate(code_128_c(digits)):
        if place % 2 == 0:
            path.append(f"M{at} 0h{width}v{height}h-{width}z")
        at += width
    return _svg(at, height, "".join(path))


def qr_svg(code: segno.QRCode) -> str:
    """The QR code as one path, without its quiet zone."""
    path = []
    for y, row in enumerate(code.matrix):
        at = 0
        for is_dark, run in groupby(row):
            width = len(list(run))
            if is_dark:
                path.append(f"M{at} {y}h{width}v1h-{width}z")
            at += width
    return _svg(len(code.matrix), len(code.matrix), "".join(path))


def _svg(width: int, height: int, path: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' shape-rendering="crispEdges"><path d="{path}"/></svg>'
    )
