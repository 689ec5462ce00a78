#!/usr/bin/env bash
# Writes models/SHA256SUMS anew from the starter models as they are; `appliance models verify`
# holds shipped models to it. To be run, and committed, with every change of models/starter.
set -euo pipefail
cd "$(dirname "$0")/../models"

part=$(mktemp SHA256SUMS.XXXXXX)
trap 'rm -f "$part"' EXIT
find starter -type f ! -name '*figures.json' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum > "$part"
chmod 644 "$part"
sync "$part"
mv "$part" SHA256SUMS
