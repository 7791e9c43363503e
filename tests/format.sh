#!/usr/bin/env bash
# Checks that the code is formatted by .clang-format, or formats it: tests/format.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."
action=(--dry-run --Werror)
[[ ${1-} != --fix ]] || action=(-i)
git ls-files '*.cpp' '*.hpp' '*.h' | xargs clang-format-19 "${action[@]}"
