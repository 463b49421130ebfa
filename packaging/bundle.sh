#!/bin/sh
# `make bundle`: builds dist/atlas-desktop with PyInstaller and tries it: its version, its local Atlas, and
# a measured test call with its window, on a virtual desk where there is no display.
set -eu
cd "$(dirname "$0")/.."
program=dist/atlas-desktop/atlas-desktop

build() {
    # An environment of its own, without the tools that development needs: nothing of them gets in.
    UV_PROJECT_ENVIRONMENT=build/venv .venv/bin/uv sync --frozen --quiet --no-compile-bytecode \
        --no-dev --group bundle --no-install-project --python "$(readlink -f .venv/bin/python)"
    build/venv/bin/pyinstaller --noconfirm --log-level ERROR --distpath dist --workpath build/pyinstaller \
        packaging/atlas-desktop.spec
    echo "$program: $(du -sm dist/atlas-desktop | cut -f1) MB"
}

answers() {
    "$program" --version
    # The child's end of input, and so its end, comes with the end of the sleep.
    first_line=$(sleep 3 | "$program" local --child | head -n 1)
    case $first_line in
        '{"base": "http://127.0.0.1:'*) ;;
        *) echo "the local Atlas of the bundle said: $first_line" >&2; return 1 ;;
    esac
}

calls() {
    mkdir -p out
    if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then desk=""
    else desk=".venv/bin/python -m tests.desk"
    fi
    $desk "$program" check --local --seconds 8 --out out
}

build
answers
calls
