#!/usr/bin/env bash
# Builds the fuzz target of the heap with libFuzzer and AddressSanitizer, and runs it. What is found stays in build/fuzz.
# Usage: tests/heap/fuzz.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/setup.sh

readonly seconds=${1:-60} build=build/fuzz
install_missing clang libclang-rt-14-dev
mkdir -p "$build/corpus"
# The heap itself poisons what is free, and is not instrumented for it, as in the library.
for source in src/heap/*.cpp src/base/message.cpp; do
    clang++ -std=c++20 -O1 -g -Iinclude -Isrc -fsanitize=fuzzer-no-link -c "$source" -o "$build/$(basename "$source" .cpp).o"
done
clang++ -std=c++20 -O1 -g -Iinclude -Isrc -fsanitize=fuzzer,address tests/heap/fuzz.cpp "$build"/*.o -o "$build/fuzz"
if "$build/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=20 -artifact_prefix="$build/" -print_final_stats=1 \
    "$build/corpus" >"$build/fuzz.log" 2>&1; then
    sed -n 's/^stat::number_of_executed_units: */inputs run: /p' "$build/fuzz.log"
    echo "1 passed, 0 failed"
else
    tail -n 40 "$build/fuzz.log"
    echo "0 passed, 1 failed"
fi
