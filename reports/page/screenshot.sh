#!/usr/bin/env bash
# screenshot.sh PROGRAM - makes reports/screenshot.png, the picture in the README, again.
#
# It runs scenarios/latency.json with PROGRAM, a chaos-run, and takes a picture of
# the report's first screen with a headless Chromium. Needs gnuplot and chromium.
set -euo pipefail

top=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
program=${1:?usage: screenshot.sh PROGRAM}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$top/scenarios/latency.json" --out "$work/results" --quiet >/dev/null
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$work/profile" \
        --window-size=1120,860 --blink-settings=preferredColorScheme=1 \
        --screenshot="$work/shot.png" "file://$work/results/report.html" >/dev/null 2>&1
mv "$work/shot.png" "$top/reports/screenshot.png"
