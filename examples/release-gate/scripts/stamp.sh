#!/usr/bin/env bash
# Runs while the distribution is packaged, on a copy of the project: what it writes is in the zip, not in your folder.
set -euo pipefail
mkdir -p build
cp version.txt build/version.txt
