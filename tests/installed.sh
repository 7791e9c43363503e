#!/usr/bin/env bash
# Installs a build into a scratch place and builds a project of its own against it: installed.sh BUILD_DIRECTORY.
set -euo pipefail

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
DESTDIR=$scratch meson install -C "$1" --no-rebuild >"$scratch/install.log" 2>&1 || { cat "$scratch/install.log"; exit 1; }

export PKG_CONFIG_SYSROOT_DIR=$scratch
PKG_CONFIG_PATH=$(dirname "$(find "$scratch" -name growstack.pc)")
export PKG_CONFIG_PATH

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

g++ -std=c++20 -O2 "${compile_flags[@]}" -c "$scratch/main.cpp" -o "$scratch/main.o"
g++ "$scratch/main.o" "${link_flags[@]}" -o "$scratch/main"
says=$("$scratch/main")
[[ $says == "1001 frames, moved" ]] || { echo "the program says: $says"; exit 1; }

# Nothing in the program refers to these, so the linker takes them out of the library only if that asks for them.
says=$(GROWSTACK_AUDIT=perhaps "$scratch/main" 2>&1)
[[ $says == *GROWSTACK_AUDIT*perhaps* ]] || { echo "the program does not read GROWSTACK_AUDIT: $says"; exit 1; }
[[ $(nm "$scratch/main") == *growstack_for_debuggers* ]] || { echo "the program tells debuggers nothing"; exit 1; }

# An object without .note.GNU-stack would make the stack executable.
grep -q 'GNU_STACK.*RW ' <<<"$(readelf -lW "$scratch/main")" || { echo "the program has an executable stack"; exit 1; }
