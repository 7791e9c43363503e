#!/usr/bin/env bash
# Compiles one file with the checks: compile.sh gcc|g++|clang|clang++ OBJECT ARGUMENT... Clang has no checks for variadic functions and
# refuses files that define some. GCC compiles those, and an empty file OBJECT.by-gcc says so.
set -euo pipefail
readonly compiler=$1 object=$2
shift 2

# flags_for gcc|clang
flags_for() { echo "-fsplit-stack $(sed -n "s/^$1: //p" "$(dirname "$0")/../../../packaging/split-flags")"; }

by_gcc() {
    local flags
    read -ra flags <<<"$(flags_for gcc)"
    exec "$1" "${flags[@]}" -w -c "${@:2}" -o "$object"
}

[[ $compiler == clang* ]] || by_gcc "$compiler" "$@"
rm -f "$object.by-gcc"
read -ra flags <<<"$(flags_for clang)"
"$compiler" "${flags[@]}" -w -c "$@" -o "$object" 2>"$object.log" && exit
if ! grep -q 'Segmented stacks do not support vararg functions' "$object.log"; then
    cat "$object.log" >&2
    exit 1
fi
touch "$object.by-gcc"
if [[ $compiler == clang++ ]]; then by_gcc g++ "$@"; else by_gcc gcc "$@"; fi
