#!/usr/bin/env bash
# Asks whether Clangs compile variadic functions with the checks on: with the header of those that have no plugin, with an attribute, and
# with the plugin. Usage: variadic.sh INCLUDE_DIRECTORY COMPILER [-fpass-plugin=FILE] [-- COMPILER... [-fpass-plugin=FILE]]
set -euo pipefail
export CCACHE_DISABLE=1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
readonly include=$1 header=(-include growstack/detail/variadic.hpp)
shift
passed=0 failed=0

cat >"$scratch/standard.cpp" <<'END'
#include <string>
std::string text(double d) { return std::to_string(d); }
END
cat >"$scratch/own.cpp" <<'END'
#include <cstdarg>
#ifndef ATTRIBUTE
#define ATTRIBUTE
#endif
extern "C" int vprint(const char*, va_list);
extern "C" ATTRIBUTE int print(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int result = vprint(format, arguments);
    va_end(arguments);
    return result;
}
extern "C" int caller(int n) { return print("%d", n) + 1; }
END
sed 's/<cstdarg>/<stdarg.h>/; s/extern "C"//' "$scratch/own.cpp" >"$scratch/own.c"

# expect WHAT COMMAND...
expect() {
    local what=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "${compiler[*]} $level: $what"
        tail -n 5 "$scratch/log"
    fi
}

# compiles FILE FLAG...
compiles() {
    local language=c++
    [[ $1 != *.c ]] || language=c
    "${compiler[@]}" "$level" -fsplit-stack -fno-crash-diagnostics -Wall -Wextra -Werror -I "$include" "${@:2}" \
        -x "$language" -c "$scratch/$1" -o "$scratch/out.o" >"$scratch/log" 2>&1
}

# An error is expected to be Clang's known one: whatever else would make everything here pass.
is_refused() { ! compiles "$@" && grep -q 'Segmented stacks do not support vararg functions' "$scratch/log"; }

# checks FUNCTION: whether it calls __morestack, in the object that was compiled last.
checks() {
    objdump -dr --disassemble="$1" "$scratch/out.o" >"$scratch/log"
    grep -q "<$1>:" "$scratch/log" && grep -q morestack "$scratch/log"
}
checks_only_the_caller() { checks caller && ! checks print; }

without_plugin() {
    expect "std::to_string(double) is refused" is_refused standard.cpp
    expect "std::to_string(double) compiles after the header" compiles standard.cpp -std=c++11 "${header[@]}"
    expect "std::to_string(double) compiles after the header" compiles standard.cpp -std=c++20 "${header[@]}"
    expect "the header changes nothing for others" is_refused own.cpp "${header[@]}"
    expect "the header is nothing in C" is_refused own.c -std=c89 "${header[@]}"
    for file in own.cpp own.c; do
        expect "a function with the attribute compiles" compiles "$file" '-DATTRIBUTE=__attribute__((no_split_stack))' "${header[@]}"
        expect "it has no check, and its caller has one" checks_only_the_caller
    done
}

with_plugin() {
    expect "std::to_string(double) compiles" compiles standard.cpp -std=c++20 "$1"
    for file in own.cpp own.c; do
        expect "a variadic function compiles" compiles "$file" "$1"
        expect "it has no check, and its caller has one" checks_only_the_caller
    done
    expect "it compiles for position-independent code with names for debuggers" compiles own.cpp -fPIC -g "$1"
    expect "it compiles into bitcode" compiles own.cpp -flto "$1"
}

while (($#)); do
    compiler=() plugin=
    for (( ; $#; )); do
        word=$1
        shift
        case $word in
        --) break ;;
        -fpass-plugin=*) plugin=$word ;;
        *) compiler+=("$word") ;;
        esac
    done
    [[ -n $plugin ]] || echo "${compiler[*]}: no plugin to try, because the headers of its LLVM are not installed"
    for level in -O0 -O1 -O2 -O3; do
        without_plugin
        [[ -z $plugin ]] || with_plugin "$plugin"
    done
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
