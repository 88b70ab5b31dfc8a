#!/usr/bin/env bash
# A failure here is caught by the plan, which then cleans up.
set -euo pipefail
echo "looking at $1"
[[ ! -e broken.txt ]] || { echo "broken.txt says: $(cat broken.txt)" >&2; exit 1; }
