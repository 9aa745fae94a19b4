"""Habits of the house that no linter knows: what a file may not hold, whatever its room."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = 500

# Written in pieces, so that this file does not hold what it looks for.
REGISTRY_HOST = re.compile(r"\b(?:py" + r"pi|pythonhosted|npm" + r"js|debian)\.(?:org|com)\b")
INDEX_LINE = re.compile(r"^\s*--(?:extra-)?index" + r"-url|^\s*--find" + r"-links", re.MULTILINE)
MACHINE_PATH = re.compile(r"(?<![\w.~<-])/(?:home|Users|root|work|mnt)/" + r"[\w.]+")
LEFT_OPEN = re.compile(
    "|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", "NotImplemented" + "Error"])
    + r"|pytest\.mark\.(?:sk"
    + r"ip|xf"
    + r"ail)|pytest\.(?:sk"
    + r"ip|xf"
    + r"ail)\("
)
# Piccolo's transactions lose connections and save() writes every column: tx() and guarded updates instead.
REFUSED_CALLS = frozenset({"transaction", "atomic", "save", "get_or_create"})
UNSAFE_TEMPLATE = re.compile(
    r"\|\s*safe\b|\bhx-on\b|\bon(?:click|change|submit|input|load|error|focus|blur|key\w+|mouse\w+)\s*="
    r"|\bjavascript:|\bjs:|\beval\s*\(|\{%-?\s*autoescape\s+false|\sstyle\s*=",
    re.IGNORECASE,
)


def tracked(*patterns: str) -> list[Path]:
    """Files of the project, those not yet committed included."""
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / name.decode() for name in found.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def texts(*patterns: str) -> list[tuple[Path, str]]:
    readable = []
    for path in tracked(*patterns):
        data = path.read_bytes()
        if b"\0" not in data:
            readable.append((path, data.decode()))
    return readable


def places(pattern: re.Pattern[str], *patterns: str) -> list[str]:
    """`file:line: text` of every match."""
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for path, text in texts(*patterns)
        for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        pytest.param(REGISTRY_HOST, [], id="no registry's host name"),
        pytest.param(INDEX_LINE, ["requirements/*", "pyproject.toml"], id="no index in the requirements"),
        pytest.param(MACHINE_PATH, [], id="no path of somebody's machine"),
        pytest.param(LEFT_OPEN, ["*.py", "*.html", "*.js", "*.css", "*.sh"], id="nothing left open"),
        pytest.param(UNSAFE_TEMPLATE, ["templates/**.html"], id="templates stay within the content policy"),
    ],
)
def test_no_file_holds(pattern: re.Pattern[str], files: list[str]) -> None:
    assert places(pattern, *files) == []


def test_every_requirement_is_pinned_with_a_hash() -> None:
    for path, text in texts("requirements/*.txt"):
        entries = re.split(r"\n(?=\S)", text)
        for entry in entries:
            if entry.strip() and not entry.startswith("#"):
                assert "==" in entry.splitlines()[0], (path.name, entry.splitlines()[0])
                assert "--hash=sha256:" in entry, (path.name, entry.splitlines()[0])


def refused_calls(source: str) -> list[int]:
    """Lines that call a method of a refused name on anything."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in REFUSED_CALLS
    ]


def test_the_refusal_of_calls_has_teeth() -> None:
    for name in sorted(REFUSED_CALLS):
        assert refused_calls(f"await Order.{name}()") == [1]
    assert refused_calls("tx()\nawait in_tx(verb)") == []


def test_nobody_uses_the_query_builders_transactions_or_saves() -> None:
    # The database module itself opens the driver's transaction; nothing else may.
    home = ROOT / "app" / "kernel" / "db.py"
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path, source in texts("app/*.py")
        if path != home
        for line in refused_calls(source)
    ]
    assert found == []


def test_no_file_is_longer_than_one_room() -> None:
    long = {
        str(path.relative_to(ROOT)): text.count("\n")
        for path, text in texts("*.py")
        if text.count("\n") > LINES_MAX
    }
    assert long == {}
