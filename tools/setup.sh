#!/usr/bin/env bash
# Sets up what is missing. `setup.sh environment`: packages in .venv. `setup.sh browser`: a Chromium, its path in var/browser.
# Nothing is done twice: the environment carries a stamp made of what it was built from.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p var

say() { printf '%s\n' "$*"; }
end_with() { printf '\n%s\n' "$*" >&2; exit 1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# One at a time: `make run` and `make test` may be typed in two terminals.
if command -v flock >/dev/null; then
    exec 9>var/setup.lock
    flock 9
fi

debian_install() {
    command -v apt-get >/dev/null && is_root || return 1
    say "Installing $1 from Debian."
    { DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1" ||
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$1"; }; } \
        >var/apt.log 2>&1 || { tail -n 5 var/apt.log >&2; return 1; }
}

find_python() {
    local name
    for name in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        if [ -n "$name" ] && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    end_with "Kolme needs Python 3.11 or later. Type: sudo apt-get install python3"
}

environment() {
    local python stamp
    python=$(find_python)
    stamp=$({ "$python" -V; pwd; cat requirements/*.txt; } | sha256sum)
    if [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$stamp" ]; then
        return
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        debian_install python3-venv || end_with "Python's venv is missing. Type: sudo apt-get install python3-venv"
    fi
    say "Setting up .venv (once)."
    rm -f .venv/stamp
    .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
    # shellcheck disable=SC2086  # the options are words
    .venv/bin/python -m pip install $PIP_WORDS -r requirements/installer.txt
    if ! UV_COMPILE_BYTECODE=1 .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes -r requirements/dev.txt; then
        say "The fast installer did not manage; trying pip."
        # shellcheck disable=SC2086
        .venv/bin/python -m pip install $PIP_WORDS -r requirements/dev.txt ||
            end_with "The packages could not be installed; pip's words stand above. Then type: make setup"
    fi
    printf '%s\n' "$stamp" >.venv/stamp
}
PIP_WORDS="-q --disable-pip-version-check --require-hashes"

works() { [ -n "$1" ] && [ -x "$1" ] && "$1" --version >/dev/null 2>&1; }

playwright_chromium() {
    .venv/bin/python -c 'from playwright.sync_api import sync_playwright as s
with s() as p: print(p.chromium.executable_path)' 2>/dev/null || true
}

find_browser() {
    local path
    for path in "${CHROMIUM:-}" /usr/bin/chromium "$(command -v google-chrome || true)" "$(command -v google-chrome-stable || true)"; do
        if works "$path"; then
            printf '%s\n' "$path"
            return
        fi
    done
    path=$(playwright_chromium)
    works "$path" && printf '%s\n' "$path"
}

browser() {
    local path
    # Somebody who names a browser wants that one or none.
    if [ -n "${CHROMIUM:-}" ] && ! works "$CHROMIUM"; then
        end_with "CHROMIUM is $CHROMIUM, which does not run."
    fi
    path=$(find_browser || true)
    if [ -z "$path" ] && debian_install chromium >&2; then
        path=$(find_browser || true)
    fi
    if [ -z "$path" ]; then
        say "Fetching a Chromium for the tests."
        .venv/bin/playwright install chromium >var/browser.log 2>&1 || true
        path=$(find_browser || true)
    fi
    if [ -z "$path" ]; then
        rm -f var/browser
        end_with "There is no browser for the tests. Type: sudo apt-get install chromium"
    fi
    printf '%s\n' "$path" >var/browser
}

for part in "$@"; do
    case "$part" in
    environment | browser) "$part" ;;
    *) end_with "usage: tools/setup.sh [environment] [browser]" ;;
    esac
done
