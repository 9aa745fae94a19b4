"""The merchant's colour, made readable: the accent of a page always contrasts with its text and with the page behind.

Formulas: relative luminance and contrast ratio as WCAG 2.2 defines them. Lightness is moved in sRGB towards black or
white in small steps, which keeps the hue well enough for a button.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markupsafe import Markup

DEFAULT_ACCENT: Final = "#1f4f46"
TEXT_CONTRAST: Final = 4.5
_STEPS: Final = 64

# The surfaces of tokens.css that the accent stands on as text; a test compares them with the file.
LIGHT_SURFACE: Final = "#fbfbf9"
DARK_SURFACE: Final = "#1d2022"

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Accent:
    """A colour and the text on it, ``#rrggbb`` both, for one scheme."""

    colour: str
    text: str


def parse_colour(text: str | None) -> Rgb | None:
    """``#rgb`` or ``#rrggbb``; None for anything else, because the value came from outside."""
    match = re.fullmatch(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})", text or "", re.ASCII)
    if match is None:
        return None
    digits = match[1] if len(match[1]) == 6 else "".join(digit * 2 for digit in match[1])
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def luminance(colour: Rgb) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Between 1 and 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def readable(accent: str | None, surface: str) -> Accent:
    """The nearest shade of ``accent`` that reads as text on ``surface`` and carries a readable text itself."""
    behind = parse_colour(surface)
    wished = parse_colour(accent) or parse_colour(DEFAULT_ACCENT)
    if behind is None or wished is None:
        raise ValueError(f"not a colour: {surface!r}")
    towards = (0, 0, 0) if luminance(behind) > 0.18 else (255, 255, 255)
    for step in range(_STEPS + 1):
        shade = _mixed(wished, towards, step / _STEPS)
        text = max(((255, 255, 255), (17, 19, 20)), key=lambda ink: contrast(ink, shade))
        if contrast(shade, behind) >= TEXT_CONTRAST and contrast(text, shade) >= TEXT_CONTRAST:
            return Accent(_hex(shade), _hex(text))
    raise ValueError(f"no readable shade on {surface!r}")


@lru_cache(maxsize=256)
def accent_css(accent: str | None) -> Markup:
    """Custom properties for both schemes, to stand in a ``<style>`` element. Holds hexadecimal digits only."""
    light, dark = readable(accent, LIGHT_SURFACE), readable(accent, DARK_SURFACE)
    return Markup(  # noqa: S704  built from parsed numbers, never from the text that came in
        f":root{{--accent:{light.colour};--on-accent:{light.text}}}"
        f"@media(prefers-color-scheme:dark){{:root{{--accent:{dark.colour};--on-accent:{dark.text}}}}}"
    )


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _mixed(colour: Rgb, towards: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, towards, strict=True))
    return red, green, blue


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
