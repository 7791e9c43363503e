#!/usr/bin/env bash
# Runs clang-tidy over src/ and include/: .clang-tidy says which checks, and each finding is an error. Usage: tests/tidy.sh
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh

install_missing clang-tidy-19 clang-19 g++ meson ninja-build pkg-config libboost-context1.81-dev
configure tidy clang++-19
# Public headers that no source file includes: growstack.hpp includes all.
if { find src -name '*.cpp' && echo include/growstack/growstack.hpp; } |
    xargs -n 1 -P "$(nproc)" clang-tidy-19 -p build/tidy --quiet >build/tidy/findings 2>build/tidy/findings.log; then
    echo "1 passed, 0 failed"
else
    grep -E ' (error|warning): ' build/tidy/findings build/tidy/findings.log | sort -u | tail -n 40
    echo "0 passed, 1 failed"
fi
