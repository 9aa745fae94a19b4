"""`make lighthouse`: rates the shopper's first page on a slow phone. Needs Node 20 or later with npm.

The rater is installed once into var/tools; the product under test runs in a folder of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx

from tests.support.product import Product, running

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ROOT / "var" / "tools"
VERSION = "13.5.0"
WANTED = 100
CATEGORIES = ("performance", "accessibility", "best-practices")
CHROME_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking"
)


def _session(product: Product) -> str:
    demo = json.loads((product.var_dir / "demo.json").read_text())
    answer = httpx.post(
        f"{product.base_url}/api/v1/sessions",
        headers={"Authorization": f"Bearer {demo['api_key']}"},
        json={
            "reference": "RATED-1",
            "country": "FI",
            "currency": "EUR",
            "locale": "en",
            "buyer": "consumer",
            "lines": [{"name": "Blanket", "quantity": 1, "unit_price_minor": 12900, "vat_percent": "25.5"}],
            "success_url": f"{product.base_url}/demo",
            "cancel_url": f"{product.base_url}/demo",
        },
    )
    answer.raise_for_status()
    url: str = answer.json()["url"]
    return url


def _rater() -> Path:
    program = TOOLS / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit("Lighthouse needs Node 20 or later with npm: apt-get install nodejs npm")
        subprocess.run(
            [
                npm,
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(TOOLS),
                f"lighthouse@{VERSION}",
            ],
            check=True,
        )
    return program


def _rate(program: Path, url: str) -> dict[str, object]:
    chrome = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
    output = subprocess.run(
        [
            str(program),
            url,
            "--quiet",
            "--output=json",
            "--form-factor=mobile",
            "--screenEmulation.mobile",
            f"--only-categories={','.join(CATEGORIES)}",
            f"--chrome-flags={CHROME_FLAGS}",
        ],
        env={**os.environ, "CHROME_PATH": chrome},
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    ).stdout
    report: dict[str, object] = json.loads(output)
    return report


def main() -> int:
    with running(ROOT / "var" / "lighthouse") as product:
        report = _rate(_rater(), _session(product))
    categories = report["categories"]
    audits = report["audits"]
    assert isinstance(categories, dict)
    assert isinstance(audits, dict)
    good = True
    print("| lighthouse, mobile | score |\n|---|---|")
    for name in CATEGORIES:
        score = round(100 * float(categories[name]["score"] or 0))
        good = good and score >= WANTED
        print(f"| {name} | {score} |")
    for audit in ("largest-contentful-paint", "cumulative-layout-shift", "total-blocking-time"):
        print(f"| {audit} | {audits[audit]['displayValue']} |")
    for name in CATEGORIES:
        for reference in categories[name]["auditRefs"]:
            found = audits[reference["id"]]
            if found["score"] is not None and found["score"] < 1 and reference["weight"]:
                print(f"  {name}: {found['title']}: {found.get('displayValue', '')}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
