#!/bin/sh
# `make run`: the window in a rehearsal; where there is no display, a test call on a virtual desk.
set -eu
cd "$(dirname "$0")/.."
if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || [ "$(uname)" = Darwin ]; then
    sh packaging/setup.sh run
    exec .venv/bin/atlas-desktop --local --start
fi
sh packaging/setup.sh run desk
mkdir -p out
echo "No display here: making a test call on a virtual display with a virtual sound card."
exec .venv/bin/python -m tests.desk .venv/bin/atlas-desktop check --local --out out
