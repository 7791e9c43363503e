#!/usr/bin/env bash
# Checks that the code is formatted as .clang-format says, or formats it: tests/format.sh [--fix]
set -euo pipefail
cd "$(dirname "$0")/.."
action=(--dry-run --Werror)
[[ ${1-} != --fix ]] || action=(-i)
find bench examples include packaging src tests \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' \) -print0 | xargs -0 clang-format-19 "${action[@]}"
