#!/usr/bin/env bash
set -euo pipefail

greeting="Hello from ${ATTINI_DISTRIBUTION_NAME} in ${ATTINI_ENVIRONMENT_NAME}"
echo "${greeting}"
printf '{"greeting": "%s"}\n' "${greeting}" > "${ATTINI_OUTPUT}"
