"""Card numbers are typed on the provider's page alone, and no script that is not ours runs beside our fields."""

from __future__ import annotations

import re
from pathlib import Path

from app.web.shared.security import content_security_policy

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def test_no_page_asks_for_a_card_number() -> None:
    fields = re.compile(r'autocomplete="cc-|name="(card_?number|cvc|cvv|pan)"')
    assert len(TEMPLATES) > 100
    assert not [path for path in TEMPLATES if fields.search(path.read_text(encoding="utf-8"))]


def test_no_script_comes_from_another_site() -> None:
    addresses = re.compile(r'<script[^>]*src="(?!/static/|\{\{)')
    assert not [path for path in TEMPLATES if addresses.search(path.read_text(encoding="utf-8"))]
    scripts = next(part for part in content_security_policy("n").split("; ") if part.startswith("script-src"))
    assert scripts == "script-src 'self' 'nonce-n'"
