"""`make test`: every check, one after the other, each with its name and seconds; one failure fails all."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# Each of the two begins with its own half, so that what a file of tests sets up is set up once; whoever is done first
# takes from the other.
IN_PARALLEL = ("-n", "2", "--dist", "worksteal")
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


# Browser tests last and in their own process: the synchronous Playwright leaves a running event loop.
STAGES = (
    Stage("format", _tool("ruff", "format", "--check", "--quiet", ".")),
    Stage("lint", _tool("ruff", "check", "--quiet", ".")),
    Stage("types", _tool("mypy", "--no-error-summary")),
    Stage("floors", _tool("lint-imports", "--config", "pyproject.toml")),
    Stage("templates", _tool("djlint", "templates", "--lint", "--quiet")),
    Stage("unit", (*PYTEST, *IN_PARALLEL, "tests/unit"), "tests/unit"),
    Stage("web", (*PYTEST, *IN_PARALLEL, "tests/web"), "tests/web"),
    Stage("faults", (*PYTEST, *IN_PARALLEL, "tests/faults"), "tests/faults"),
    Stage("e2e", (*PYTEST, *IN_PARALLEL, "e2e"), "e2e"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    stage: Stage
    passed: bool
    took_s: float


def _has_tests(folder: str) -> bool:
    return any((ROOT / folder).rglob("test_*.py"))


def _run(stage: Stage) -> Outcome:
    print(f"--- {stage.name}", flush=True)
    if stage.folder and not _has_tests(stage.folder):
        print(f"{stage.folder} holds no tests", flush=True)
        return Outcome(stage, passed=True, took_s=0.0)
    began = time.monotonic()
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    status = subprocess.run(stage.command, cwd=ROOT, env=environ, check=False).returncode
    outcome = Outcome(stage, status == 0, time.monotonic() - began)
    print(
        f"--- {stage.name} {'passed' if outcome.passed else 'FAILED'} in {outcome.took_s:.1f} s", flush=True
    )
    return outcome


def main(names: list[str]) -> int:
    """Runs all stages, or those named. Returns 1 when any failed; later ones run all the same."""
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    outcomes = [_run(stage) for stage in STAGES if not names or stage.name in names]
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
