#!/usr/bin/env bash
# Installs what the appliance needs on a fresh Debian 12 machine, and only what is missing.
# Safe to run again at any time; the second run takes about a second.
# `setup.sh tests` also installs the browser that tests drive and the tool that tries alert rules;
# `setup.sh service` leaves out what only developers need, where it is not there already.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Runs what is silent for long, with a dot every five seconds for people who wait.
patiently() {
    local ticker begun=$SECONDS status=0
    (while sleep 5 2>/dev/null && kill -0 $$ 2>/dev/null; do printf . >&2; done) >/dev/null &
    ticker=$!
    "$@" || status=$?
    kill "$ticker" && wait "$ticker" 2>/dev/null || true
    [ $((SECONDS - begun)) -lt 5 ] || echo >&2
    return "$status"
}

install() {
    as_root apt-get update -qq &&
        patiently as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# build-essential and cmake compile llama.cpp, which PyPI has as source only, and our media thread.
packages=(build-essential cmake espeak-ng git libespeak-ng1 python3 python3-venv)
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || packages+=(postgresql)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    say "Debian packages: ${missing[*]}"
    # The appliance runs a private cluster here; Debian must not start one of its own beside it.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        as_root mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    install "${missing[@]}"
fi
if [ "${1:-}" = tests ] && ! command -v chromium >/dev/null; then
    say "Chromium, for the tests in a browser"
    install chromium || say "Chromium cannot be installed: the tests in a browser will be skipped"
fi
# promtool tries out the alert rules. Its package would have a Prometheus run here from now on, so
# only the tool is taken out of it.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/appliance
get_promtool() {
    local work status=0
    work=$(mktemp -d) && mkdir -p "$cache" || return
    (cd "$work" && { apt-get download -qq prometheus 2>/dev/null ||
        { as_root apt-get update -qq && apt-get download -qq prometheus 2>/dev/null; }; } &&
        dpkg -x prometheus_*.deb . && mv usr/bin/promtool "$cache/promtool.part" &&
        mv "$cache/promtool.part" "$cache/promtool") || status=$?
    rm -rf "$work"
    return "$status"
}
if [ "${1:-}" = tests ] && [ ! -x "$cache/promtool" ] && ! command -v promtool >/dev/null; then
    say "promtool, for the tests of the alert rules"
    get_promtool || say "promtool cannot be had: the tests of the alert rules will be skipped"
fi

# What was compiled says of which sources it was made: neither a pull nor a branch leaves it stale.
library=appliance/media/libmediathread.so
sources=(appliance/media/media_thread.c appliance/media/media_thread.h)
made_of=$( (cat "${sources[@]}" && uname -m) | sha256sum | cut -c1-16)
if ! grep -qs "$made_of" "$library"; then
    say "the media thread: compiling"
    cc -O2 -Wall -shared -fPIC -pthread -DMEDIA_SOURCES="\"$made_of\"" -o "$library.part" "${sources[0]}" -lm
    mv "$library.part" "$library"
fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=var/uv/bin/uv
    if [ ! -x "$uv" ]; then
        say "uv, into var/uv"
        python3 -m venv var/uv
        var/uv/bin/pip install --quiet --disable-pip-version-check uv
    fi
fi

# llama.cpp comes as source only. What was compiled is kept for the next checkout: a wheel is named
# after its version, interpreter and machine, and its source is checked against the lock's hashes.
install_llama() {
    local wheels="$cache/wheels" pinned wheel
    "$uv" export --locked --quiet --no-emit-project --no-dev --no-annotate --no-header \
        > .venv/locked.txt
    awk '/^llama-cpp-python==/ {on=1} on {print} on && !/\\$/ {exit}' .venv/locked.txt \
        > .venv/llama.txt
    pinned=$(sed -n '1s/^llama-cpp-python==\([^ ;]*\).*/\1/p' .venv/llama.txt)
    wheel=$(ls "$wheels/llama_cpp_python-$pinned-"*"$(uname -m).whl" 2>/dev/null | head -n 1 || true)
    if [ -z "$wheel" ]; then
        say "llama.cpp: compiling, about six minutes on two cores, once"
        mkdir -p "$wheels"
        [ -x var/pip/bin/pip ] || python3 -m venv var/pip
        CMAKE_ARGS="-DLLAVA_BUILD=OFF -DLLAMA_OPENSSL=OFF" patiently var/pip/bin/pip wheel --quiet \
            --disable-pip-version-check --no-deps --require-hashes -r .venv/llama.txt \
            --wheel-dir var/pip/wheels
        # Moved whole: a build that was cut off leaves nothing that looks like a wheel.
        mv var/pip/wheels/llama_cpp_python-*.whl "$wheels/"
        wheel=$(ls "$wheels/llama_cpp_python-$pinned-"*"$(uname -m).whl" | head -n 1)
    fi
    "$uv" pip install --quiet "$wheel"
}

# The stamp says for whom the packages are: what developers have is enough for a service.
stamp=.venv/.synced whose=developers without=()
[ "${1:-}" != service ] || whose=service without=(--no-dev)
if [ ! -e "$stamp" ] || [ uv.lock -nt "$stamp" ] || [ pyproject.toml -nt "$stamp" ] ||
    [ "$whose $(cat "$stamp")" = "developers service" ]; then
    say "Python packages: about a minute, the first time"
    patiently "$uv" sync --locked --quiet --no-install-package llama-cpp-python "${without[@]}"
    install_llama
    echo "$whose" > "$stamp"
fi
