#!/usr/bin/env bash
# Runs real programs on every kind of stack: Lua, SQLite, zlib and zstd, from Debian's source packages, compiled by GCC and Clang, and as
# safe builds, at -O0 and -O2 with checks in every function; docs/real-programs.md says what they do there. Fetches the sources once,
# through apt-get. Usage: tests/torture/real.sh [BUILD...], of gcc-O0 gcc-O2 clang-O0 clang-O2 safe-O0 safe-O2
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/setup.sh

readonly here=$PWD/tests/torture/real build=$PWD/build/real
readonly library=${GROWSTACK_LIBRARY:-$PWD/build/library/src/libgrowstack.a}

# Writes the system's own list of packages with the sources instead of the binaries: not every system has asked for them.
list_of_sources() {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed 's/^Types:.*/Types: deb-src/' >"$build/apt/list.sources"
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n 's/^deb /deb-src /p' >"$build/apt/list.list"
}

# apt_get ARGUMENT...: with lists of its own, beside the system's.
apt_get() {
    apt-get -qq -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$build/apt" -o Dir::State::lists="$build/apt/lists" \
        -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User="$(id -un)" "$@"
}

# fetch PACKAGE NAME: its source, patched, as build/real/NAME.
fetch() {
    [[ ! -e $2 ]] || return 0
    apt_get source "$1"
    set -- "$1" "$2" "$1"-*/
    ln -s "$3" "$2"
}

# SQLite's own tools generate a part of its files, and gather all in one directory.
generate_sqlite() {
    [[ ! -e sqlite/bld/shell.c ]] || return 0
    mkdir -p sqlite/bld
    (cd sqlite/bld && ../configure --disable-tcl --disable-readline && make sqlite3.c shell.c)
}

# prepare BUILD...
prepare() {
    list_of_sources
    [[ -e lua && -e sqlite && -e zlib && -e zstd ]] || apt_get update
    fetch lua5.4 lua
    fetch sqlite3 sqlite
    fetch zlib zlib
    fetch libzstd zstd
    generate_sqlite
    # As debian/rules does.
    echo "#define DEB_HOST_MULTIARCH \"$(dpkg-architecture -qDEB_HOST_MULTIARCH)\"" >lua/src/lua5.4-deb-multiarch.h
    ln -sfn "$here/workloads" workloads
    python3 "$here/ninja.py" "$library" >build.ninja
    ninja gcc-O2/sqlite3 "${@/#/all-}"
    # An eighth of the statements that SQLite's own fuzzing has found worth keeping.
    cp sqlite/test/fuzzdata6.db fuzzdata.db
    gcc-O2/sqlite3 thread fuzzdata.db 'delete from xsql where sqlid % 8' 2>/dev/null
}

install_missing g++ gcc clang clang-19 libclang-rt-19-dev libboost-context1.81-dev dpkg-dev make ninja-build python3 tcl binutils
[[ -f $library ]] || fail "$library is missing: build it, or say where it is in GROWSTACK_LIBRARY"
mkdir -p "$build/apt/lists/partial"
cd "$build"
(($#)) || set -- gcc-O0 gcc-O2 clang-O0 clang-O2 safe-O0 safe-O2
quietly prepare.log prepare "$@"
exec python3 "$here/run.py" "$@"
