#!/bin/sh
# Sets up everything a make target needs: Debian packages of the named sets, then the project's own
# Python environment in .venv, exactly as locked. Safe to repeat; does nothing when nothing is missing.
#   packaging/setup.sh SET…        sets: env run desk test bench (packaging/debian-packages.txt)
set -eu
cd "$(dirname "$0")/.."

missing_packages() {
    for set in "$@"; do
        awk -v set="$set" '$1 == set { print $2 }' packaging/debian-packages.txt
    done | while read -r package; do
        # A 64-bit-time rename (libasound2t64) satisfies the old name.
        dpkg-query -W -f '${Status}\n' "$package" "${package}t64" 2>/dev/null |
            grep -q 'ok installed' || echo "$package"
    done
}

install_packages() {
    command -v dpkg-query >/dev/null || return 0
    missing=$(missing_packages "$@" | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then as_root=""
    elif may_use_sudo "$missing"; then as_root="sudo"
    else
        echo "These system packages are missing. Type this line once, then run make again:" >&2
        echo "  sudo apt-get update && sudo apt-get install -y $missing" >&2
        exit 1
    fi
    echo "Installing system packages: $missing"
    $as_root apt-get update -qq
    # shellcheck disable=SC2086 # the list is meant to be split
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
        >/dev/null
}

# Whoever sits at a terminal is asked; nobody else's rights are used without a word.
may_use_sudo() {
    command -v sudo >/dev/null && [ -t 0 ] && [ -t 2 ] || return 1
    printf 'These system packages are missing: %s\nInstall them with sudo apt-get? [y/N] ' "$1" >&2
    read -r answer || return 1
    case $answer in [yY] | [yY][eE][sS]) ;; *) return 1 ;; esac
}

find_python() {
    for python in python3.13 python3.12 python3.11 python3; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    echo "Python 3.11 or newer is needed." >&2
    exit 1
}

sync_environment() {
    stamp=.venv/.synced
    if [ -f "$stamp" ] && [ "$stamp" -nt uv.lock ] && [ "$stamp" -nt pyproject.toml ]; then return; fi
    if [ ! -x .venv/bin/uv ]; then
        "$(find_python)" -m venv .venv
        # This very uv, known by its hash; it knows the rest by the hashes in uv.lock.
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
            --require-hashes --only-binary :all: --requirement packaging/uv.txt
    fi
    .venv/bin/uv sync --frozen --quiet --python .venv/bin/python
    touch "$stamp"
}

# The page that Chromium shows in the comparison: livekit-client, exactly as locked.
get_page() {
    page=tests/bench/versus/page
    installed=$page/node_modules/.package-lock.json
    if [ -f "$installed" ] && [ ! "$page/package-lock.json" -nt "$installed" ]; then return; fi
    command -v npm >/dev/null || install_packages node
    npm ci --prefix "$page" --no-audit --no-fund --silent
    touch "$installed"
}

install_packages env "$@"
sync_environment
case " $* " in *" bench "*) get_page ;; esac
# Ours as well; nothing to do when no file was changed.
.venv/bin/python -m compileall -q atlas_desktop
