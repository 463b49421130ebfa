#!/bin/sh
# `make audit`: compares what uv.lock names with the published security advisories (OSV), by uv's own command.
# Its status is 0 when none is known, 1 when some are, 2 when they could not be asked for.
set -u
cd "$(dirname "$0")/.."

.venv/bin/uv audit --frozen --preview-features audit-command
status=$?
case $status in
    0) echo "No advisory is known for anything in uv.lock." ;;
    1) echo "Something in uv.lock has an advisory: SECURITY.md says what a new pin takes." >&2 ;;
    *) echo "Nothing was compared: the advisories could not be asked for. Without a network this says nothing." >&2
        status=2 ;;
esac
exit $status
