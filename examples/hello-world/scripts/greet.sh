#!/usr/bin/env bash
# A job is a real process. What it writes into $ATTINI_OUTPUT is the output of its step: here an object, so that
# the next step can read $.output.Greet.greeting.
set -euo pipefail

greeting="Hello from ${ATTINI_DISTRIBUTION_NAME} in ${ATTINI_ENVIRONMENT_NAME}"
echo "${greeting}"
printf '{"greeting": "%s"}\n' "${greeting}" > "${ATTINI_OUTPUT}"
