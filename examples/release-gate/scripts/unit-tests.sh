#!/usr/bin/env bash
# The step fails when this exits with anything but 0, and with it the branch and the plan.
set -euo pipefail
version=$(cat build/version.txt)
echo "testing version ${version}"
[[ ${version} =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || { echo "'${version}' is not a version" >&2; exit 1; }
printf '{"version": "%s", "tests": 12}\n' "${version}" > "${ATTINI_OUTPUT}"
