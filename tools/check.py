"""`make test`: every check, each with its name and seconds; one failure fails all.

What only reads the code needs one core each and runs beside the others; the tests run one stage after the other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# Each of the two begins with its own half, so that what a file of tests sets up is set up once; whoever is done first
# takes from the other.
AT_ONCE = 2
IN_PARALLEL = ("-n", str(AT_ONCE), "--dist", "worksteal")
# What takes longest is told, so that the whole stays below its fifteen minutes.
PYTEST = (sys.executable, "-m", "pytest", "-q", "--durations=12", "--durations-min=3")


@dataclass(frozen=True, slots=True)
class Stage:
    """`folder`: where a pytest stage finds its tests; one without any test file has nothing to fail."""

    name: str
    command: tuple[str, ...]
    folder: str = ""


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


# The slowest first.
READING = (
    Stage("types", _tool("mypy", "--no-error-summary")),
    Stage("floors", _tool("lint-imports", "--config", "pyproject.toml")),
    Stage("templates", _tool("djlint", "templates", "--lint", "--quiet")),
    Stage("lint", _tool("ruff", "check", "--quiet", ".")),
    Stage("format", _tool("ruff", "format", "--check", "--quiet", ".")),
)
# Browser tests last and in their own process: the synchronous Playwright leaves a running event loop.
TESTING = (
    Stage("unit", (*PYTEST, *IN_PARALLEL, "tests/unit"), "tests/unit"),
    Stage("web", (*PYTEST, *IN_PARALLEL, "tests/web"), "tests/web"),
    Stage("faults", (*PYTEST, *IN_PARALLEL, "tests/faults"), "tests/faults"),
    Stage("e2e", (*PYTEST, *IN_PARALLEL, "e2e"), "e2e"),
)


STAGES = (*READING, *TESTING)


@dataclass(frozen=True, slots=True)
class Outcome:
    stage: Stage
    passed: bool
    took_s: float


def _has_tests(folder: str) -> bool:
    return any((ROOT / folder).rglob("test_*.py"))


def _environ() -> dict[str, str]:
    """Each process of the product that a test starts reads what the one before has compiled, whoever types this."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, "PYTHONPATH": str(ROOT)}


def _run(stage: Stage) -> Outcome:
    """A stage whose words are seen as they come."""
    print(f"--- {stage.name}", flush=True)
    if stage.folder and not _has_tests(stage.folder):
        print(f"{stage.folder} holds no tests", flush=True)
        return Outcome(stage, passed=True, took_s=0.0)
    began = time.monotonic()
    status = subprocess.run(stage.command, cwd=ROOT, env=_environ(), check=False).returncode
    return _told(Outcome(stage, status == 0, time.monotonic() - began))


def _run_beside_others(stage: Stage) -> Outcome:
    """A stage whose words come together, when it is done."""
    began = time.monotonic()
    done = subprocess.run(
        stage.command,
        cwd=ROOT,
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"--- {stage.name}\n{done.stdout}", end="", flush=True)
    return _told(Outcome(stage, done.returncode == 0, time.monotonic() - began))


def _told(outcome: Outcome) -> Outcome:
    passed = "passed" if outcome.passed else "FAILED"
    print(f"--- {outcome.stage.name} {passed} in {outcome.took_s:.1f} s", flush=True)
    return outcome


def _asked(stages: Sequence[Stage], names: Collection[str]) -> list[Stage]:
    return [stage for stage in stages if not names or stage.name in names]


def main(names: list[str]) -> int:
    """Runs all stages, or those named. Returns 1 when any failed; later ones run all the same."""
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    with ThreadPoolExecutor(AT_ONCE) as beside:
        outcomes = list(beside.map(_run_beside_others, _asked(READING, names)))
    outcomes += [_run(stage) for stage in _asked(TESTING, names)]
    print("\n  check        seconds")
    for outcome in outcomes:
        print(
            f"  {outcome.stage.name:<12} {outcome.took_s:>7.1f}  {'passed' if outcome.passed else 'FAILED'}"
        )
    failed = [outcome.stage.name for outcome in outcomes if not outcome.passed]
    print(f"\nFAILED: {', '.join(failed)}" if failed else "\nAll checks passed.", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
