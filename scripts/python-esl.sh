#!/usr/bin/env bash
# Builds python-ESL, FreeSWITCH's own client library, into the virtual environment.
#
# Its source package passes SWIG an option that SWIG no longer has, and current setuptools no
# longer build it; with that option taken out, SWIG 4.0 and an older setuptools it compiles.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.4.18

if .venv/bin/python -c 'import ESL' 2>/dev/null; then
    echo "python-ESL is there already"
    exit
fi
header=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
if [ ! -f "$header" ]; then
    echo "Python's headers are missing ($header): install python3-dev, then run this again" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/build"
"$work/build/bin/pip" install --quiet --disable-pip-version-check 'setuptools<81' wheel swig==4.0.2
PATH="$work/build/bin:$PATH" "$work/build/bin/pip" download --quiet --disable-pip-version-check \
    --no-deps --no-build-isolation --no-binary :all: --dest "$work" "python-ESL==$version"
tar -C "$work" -xf "$work/python-ESL-$version.tar.gz"
sed -i "s/'-classic', *//" "$work/python-ESL-$version/setup.py"
# Compiled against the interpreter that will import it.
"$work/build/bin/pip" install --quiet --disable-pip-version-check --target "$work/tools" \
    'setuptools<81' wheel
cd "$work/python-ESL-$version"
PATH="$work/build/bin:$PATH" PYTHONPATH="$work/tools" "$OLDPWD/.venv/bin/python" setup.py --quiet \
    install --root "$work/root" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
cd "$OLDPWD"
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
find "$work/root" \( -name 'ESL.py' -o -name '_ESL*.so' \) -exec cp {} "$site/" \;
.venv/bin/python -c 'import ESL'
echo "python-ESL is built: the control link uses it from now on"
