#!/usr/bin/env bash
# Builds the heap and its tests with ThreadSanitizer, and runs them. Usage: tests/heap/tsan.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/setup.sh

readonly build=build/tsan
install_missing g++ libtsan2 doctest-dev
mkdir -p "$build"
quietly "$build/build.log" g++ -std=c++20 -O1 -g -Iinclude -Isrc -pthread -fsanitize=thread src/heap/*.cpp src/base/message.cpp \
    tests/heap/{levels_test,resource_test,support,tsan_main}.cpp -o "$build/heap"
# A child process of a program with threads is not ThreadSanitizer's case; nor are allocations counted here.
"$build/heap" --test-case-exclude="a child process goes on*" >"$build/test.log" 2>&1 || { cat "$build/test.log"; exit 1; }
tail -n 1 "$build/test.log"
