#!/usr/bin/env bash
# Installs a build into a scratch place and builds projects of its own against it: installed.sh BUILD_DIRECTORY [COMPILER], which
# has built it.
set -euo pipefail
readonly compiler=${2-g++}
gcc_split_flags=$(sed -n 's/^gcc:/-fsplit-stack/p' "$(dirname "$0")/../packaging/split-flags")
readonly gcc_split_flags

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
DESTDIR=$scratch meson install -C "$1" --no-rebuild >"$scratch/install.log" 2>&1 || { cat "$scratch/install.log"; exit 1; }

PKG_CONFIG_PATH=$(dirname "$(find "$scratch" -name growstack.pc)")
export PKG_CONFIG_PATH
# Not a sysroot: that is put before directories of headers and libraries, but not before the plugin's.
pkg-config() { command pkg-config --define-variable=prefix="$scratch/usr/local" "$@"; }

cat >"$scratch/main.cpp" <<'END'
#include <growstack/growstack.hpp>
#include <cstdio>

static int depth(int n) {
    char room[1024];
    asm volatile("" : : "r"(room) : "memory");
    const int below = n ? depth(n - 1) : 0;
    asm volatile("" : : "r"(room) : "memory");
    return below + 1;
}

int main() {
    int reached = 0;
    growstack::coroutine<> c{[&] { reached = depth(1000); }};
    c.resume();
    std::printf("%d frames, %s\n", reached, c.stats().moves ? "moved" : "not moved");
}
END

[[ -n $(find "$scratch" -path '*/share/growstack/growstack-gdb.py') ]] || { echo "no script for gdb"; exit 1; }

read -ra compile_flags <<<"$(pkg-config --cflags growstack-split)"
read -ra link_flags <<<"$(pkg-config --libs growstack-split)"
[[ " ${compile_flags[*]} " == *" -fsplit-stack "* ]] || { echo "growstack-split does not compile with checks"; exit 1; }
[[ " ${link_flags[*]} " != *"-fsplit-stack"* ]] || { echo "growstack-split links with -fsplit-stack"; exit 1; }
[[ " $(pkg-config --cflags --libs growstack) " != *"-fsplit-stack"* ]] || { echo "growstack has -fsplit-stack"; exit 1; }

"$compiler" -std=c++20 -O2 "${compile_flags[@]}" -c "$scratch/main.cpp" -o "$scratch/main.o"
"$compiler" "$scratch/main.o" "${link_flags[@]}" -o "$scratch/main"
says=$("$scratch/main")
[[ $says == "1001 frames, moved" ]] || { echo "the program says: $says"; exit 1; }

# Nothing in the program refers to these, so the linker takes them out of the library only if that asks for them.
says=$(GROWSTACK_AUDIT=perhaps "$scratch/main" 2>&1)
[[ $says == *GROWSTACK_AUDIT*perhaps* ]] || { echo "the program does not read GROWSTACK_AUDIT: $says"; exit 1; }
[[ $(nm "$scratch/main") == *growstack_for_debuggers* ]] || { echo "the program tells debuggers nothing"; exit 1; }

# An object without .note.GNU-stack would make the stack executable.
grep -q 'GNU_STACK.*RW ' <<<"$(readelf -lW "$scratch/main")" || { echo "the program has an executable stack"; exit 1; }

# --- The safe build, by the Clang whose version growstack-safe.pc has; growstack itself is GCC's or Clang's.

fail() {
    echo "$@"
    exit 1
}
if ! clang=clang++-$(pkg-config --variable=clang growstack-safe) || ! command -v "$clang" >/dev/null; then
    echo "the safe build is not tried: there is no $clang"
    exit 0
fi

cat >"$scratch/safe.cpp" <<'END'
#include <growstack/growstack.hpp>
#include <cstdio>
#include <map>
#include <string>

int depth_by_gcc(int n);

static int depth(int n) {
    std::map<int, std::string> m; // its nodes, in the heap, point back to it
    m[n] = std::to_string(n + 0.5);
    const int below = n ? depth(n - 1) : depth_by_gcc(100);
    m[n + 1] = "x";
    return below + (m.size() == 2 && m.begin()->second == std::to_string(n + 0.5) && m.rbegin()->second == "x");
}

int main() {
    int reached = 0;
    growstack::coroutine<> c{[&] { reached = depth(1000); }};
    c.resume();
    std::printf("%d frames, %s\n", reached, c.stats().moves ? "moved" : "not moved");
}
END
cat >"$scratch/gcc.cpp" <<'END'
int depth_by_gcc(int n) {
    char room[1024];
    asm volatile("" : : "r"(room) : "memory");
    const int below = n ? depth_by_gcc(n - 1) : 0;
    asm volatile("" : : "r"(room) : "memory");
    return below + 1;
}
END
readonly safe_says="1102 frames, moved"

by_pkg_config() {
    local level=$1 compile link
    read -ra compile <<<"$(pkg-config --cflags growstack-safe)"
    read -ra link <<<"$(pkg-config --libs growstack-safe)"
    [[ " $(pkg-config --cflags --libs growstack-split growstack) " != *safe-stack* ]] || fail "growstack-split is a safe build"
    "$clang" -std=c++20 "$level" "${compile[@]}" -c "$scratch/safe.cpp" -o "$scratch/safe.o"
    # shellcheck disable=SC2086
    g++ "$level" $gcc_split_flags -c "$scratch/gcc.cpp" -o "$scratch/gcc.o"
    "$clang" "$scratch/safe.o" "$scratch/gcc.o" "${link[@]}" -o "$scratch/safe"
    for stress in "" move,poison; do
        says=$(GROWSTACK_STRESS=$stress "$scratch/safe") || fail "the safe build by $clang $level ends with $? ($stress)"
        [[ $says == "$safe_says" ]] || fail "the safe build by $clang $level says: $says ($stress)"
    done
}

# --- CMake.

cat >"$scratch/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.13)
project(user CXX)
set(CMAKE_EXE_LINKER_FLAGS "-Wl,--fatal-warnings")
find_package(growstack 0.1 REQUIRED COMPONENTS ${VARIANT})
find_package(Threads REQUIRED)
add_executable(user ${SOURCES})
target_link_libraries(user growstack::${VARIANT} Threads::Threads)
END

# by_cmake COMPILER VARIANT SAYS SOURCE...
by_cmake() {
    local build=$scratch/cmake-$1-$2 sources=${*:4}
    rm -rf "$build"
    cmake -S "$scratch" -B "$build" -DCMAKE_CXX_COMPILER="$1" -DVARIANT="$2" -DSOURCES="${sources// /;}" \
        -DCMAKE_PREFIX_PATH="$scratch/usr/local" >"$scratch/cmake.log" 2>&1 && cmake --build "$build" -v >>"$scratch/cmake.log" 2>&1 ||
        { cat "$scratch/cmake.log"; fail "CMake does not build growstack::$2 by $1"; }
    says=$("$build/user") || fail "growstack::$2 by $1 ends with $?"
    [[ $says == "$3" ]] || fail "growstack::$2 by $1 says: $says"
}

all_by_cmake() {
    by_cmake g++ split "1001 frames, moved" main.cpp
    by_cmake "$clang" split "1001 frames, moved" main.cpp
    by_cmake "$clang" safe "$safe_says" safe.cpp gcc.cpp
    ! (by_cmake g++ safe "" main.cpp) >"$scratch/log" || fail "CMake builds growstack::safe by g++"
    grep -q 'only Clang has SafeStack' "$scratch/log" || { cat "$scratch/log"; fail "CMake does not say why g++ cannot"; }
}

# --- meson, as a subproject.

# configures LOG COMPILER OPTION...
configures() {
    rm -rf "$scratch/project/build"
    env -u PKG_CONFIG_PATH CXX="$2" meson setup "$scratch/project/build" "$scratch/project" "${@:3}" >"$1" 2>&1
}

all_by_meson() {
    mkdir -p "$scratch/project/subprojects"
    ln -s "$(cd "$(dirname "$0")/.." && pwd)" "$scratch/project/subprojects/growstack"
    printf '%s\n' "project('user', 'cpp')" "executable('user', '../safe.cpp', dependencies: dependency('growstack-safe',
        fallback: 'growstack'))" >"$scratch/project/meson.build"
    configures "$scratch/log" "$clang" || { cat "$scratch/log"; fail "meson does not find growstack-safe for $clang"; }
    ! configures "$scratch/log" g++ || fail "meson finds growstack-safe for g++"
    grep -q 'there is no growstack-safe here: only Clang has SafeStack' "$scratch/log" || { cat "$scratch/log"; fail "and no reason"; }
    ! configures "$scratch/log" "$clang" -Db_sanitize=address || fail "meson finds growstack-safe for AddressSanitizer"
    grep -q 'Clang cannot combine SafeStack with b_sanitize=address' "$scratch/log" || { cat "$scratch/log"; fail "and no reason"; }
}

# --- What a compiler can do.

# answers CODE LINES COMPILER [VARIANT...]: each line a pattern for the beginning of one of its answers.
answers() {
    local code=0 says pattern
    says=$("$scratch/usr/local/bin/growstack-check-compiler" "${@:3}" 2>&1) || code=$?
    ((code == $1)) || fail "growstack-check-compiler ${*:3} ends with $code: $says"
    while read -r pattern; do
        grep -q "^$pattern" <<<"$says" || fail "growstack-check-compiler ${*:3} does not say '$pattern': $says"
    done <<<"$2"
}

# A compiler like $clang that lacks SafeStack's library.
without_library() {
    mkdir -p "$scratch/resources"
    ln -sfn "$("$clang" -print-resource-dir)/include" "$scratch/resources/include"
    printf '#!/bin/sh\nexec %s -resource-dir %s "$@"\n' "$clang" "$scratch/resources" >"$scratch/clang-without"
    chmod +x "$scratch/clang-without"
}

check_answers() {
    answers 1 $'split: yes\nsafe: no: g++: only Clang has SafeStack\nplugin: yes' g++
    answers 0 "split: yes" g++ split
    answers 0 $'split: yes\nsafe: yes' "$clang" split safe
    without_library
    answers 1 $'split: yes\nsafe: no: .*: libclang_rt.safestack.* is missing: install libclang-rt-' "$scratch/clang-without" split safe
    answers 1 "no-such-compiler does not run" no-such-compiler
    answers 1 "other: no: .*there is no such variant" g++ other
    answers 2 "usage: growstack-check-compiler COMPILER"
    local plugins=("$scratch"/usr/local/lib/*/growstack)
    if [[ -e $plugins ]]; then
        answers 0 "plugin: yes" "$clang" plugin
        mv "$plugins" "$scratch/elsewhere"
    else
        echo "the plugin is not tried: it has not been built"
    fi
    answers 1 $'split: yes\nplugin: no: .*: growstack was built without the headers of LLVM' "$clang" split plugin
}

for level in -O0 -O2; do
    by_pkg_config "$level"
done
all_by_meson
if command -v cmake >/dev/null; then all_by_cmake; else echo "CMake is not tried: it is not installed"; fi
check_answers
