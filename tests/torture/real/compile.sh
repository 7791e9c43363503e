#!/usr/bin/env bash
# Compiles one file with the checks: compile.sh gcc|g++|clang|clang++... OBJECT ARGUMENT... For Clang's variadic functions there is a
# plugin beside the library.
set -euo pipefail
readonly compiler=$1 object=$2
shift 2

# flags_of gcc|clang
flags_of() { echo "-fsplit-stack $(sed -n "s/^$1: //p" "$(dirname "$0")/../../../packaging/split-flags")"; }

if [[ $compiler == clang* ]]; then
    major=$("$compiler" -dumpversion)
    plugin=$(dirname "$GROWSTACK_LIBRARY")/../packaging/llvm/growstack-clang-${major%%.*}.plugin
    [[ -f $plugin ]] || { echo "$plugin is missing: install llvm-${major%%.*}-dev and build the library again" >&2; exit 1; }
    read -ra flags <<<"$(flags_of clang) -fpass-plugin=$plugin"
else
    read -ra flags <<<"$(flags_of gcc)"
fi
exec "$compiler" "${flags[@]}" -w -c "$@" -o "$object"
