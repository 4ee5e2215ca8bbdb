#!/usr/bin/env bash
# Measures the product and prints a table. See --help.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."
# The release binary and the program that measures it, by the same profile.
exec cargo bench --locked --bench figures -- "$@"
