#!/usr/bin/env bash
# Installs what the appliance needs on a fresh Debian 12 machine, and only what is missing.
# Safe to run again at any time; the second run takes about a second.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# build-essential and cmake compile llama.cpp, which PyPI has as source only.
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
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
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

stamp=.venv/.synced
if [ ! -e "$stamp" ] || [ uv.lock -nt "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    say "Python packages (the first time compiles llama.cpp: about six minutes on two cores)"
    "$uv" sync --locked
    # FreeSWITCH's own client is used where it builds; greenswitch's serves where it does not.
    "$uv" pip install --quiet 'python-ESL==1.4.18' 2>/dev/null \
        && say "python-ESL: built" || say "python-ESL does not build here; the control link uses greenswitch"
    touch "$stamp"
fi
