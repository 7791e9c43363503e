#!/usr/bin/env python3
"""Prints the build.ninja of the real programs, for the directory that holds their sources: by GCC, Clang, and Clang as safe builds, at
-O0 and -O2.

Usage: ninja.py GROWSTACK_LIBRARY. A program is its own files, compiled with checks; the host; its remedy, if it has one; the library.
"""
import collections
import glob
import os
import sys

HERE = os.path.relpath(os.path.dirname(os.path.abspath(__file__)))
INCLUDE = os.path.relpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../include"))


def files(pattern, but=()):
    return sorted(f for f in glob.glob(pattern) if os.path.basename(f) not in but)


LUA = files("lua/src/*.c", ("luac.c",))
LUA_FLAGS = "-DLUA_COMPAT_5_3 -DLUA_USE_POSIX"

SQLITE = files("sqlite/bld/tsrc/*.c", (
    "shell.c", "tclsqlite.c", "icu.c", "userauth.c", "sqlite3rbu.c", "sqlite3session.c", "os_win.c", "mutex_w32.c", "geopoly.c")
    + tuple(os.path.basename(f) for f in glob.glob("sqlite/bld/tsrc/fts[12]*.c")))
SQLITE_FLAGS = (
    "-DSQLITE_CORE -DSQLITE_THREADSAFE=1 -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_COLUMN_METADATA -DSQLITE_ENABLE_FTS3"
    " -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_FTS3_PARENTHESIS -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_GEOPOLY"
    " -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_BYTECODE_VTAB -DSQLITE_ENABLE_STMTVTAB -DSQLITE_ENABLE_MATH_FUNCTIONS"
    # What sqlite's own Makefile gives fuzzcheck.
    " -DSQLITE_ENABLE_MEMSYS5 -DSQLITE_OSS_FUZZ -DSQLITE_MAX_MEMORY=50000000 -DSQLITE_PRINTF_PRECISION_LIMIT=1000"
    " -Isqlite/bld/tsrc -Isqlite/ext/rtree -Isqlite/test -Isqlite/ext/recover")
FUZZCHECK = ["sqlite/test/fuzzcheck.c", "sqlite/test/ossfuzz.c", "sqlite/test/fuzzinvariants.c", "sqlite/test/vt02.c",
             "sqlite/ext/recover/dbdata.c", "sqlite/ext/recover/sqlite3recover.c"]

# It would take SIGSEGV from growstack otherwise.
OWN_FLAGS = {"sqlite/test/fuzzcheck.c": " -U__unix__"}

ZLIB = files("zlib/*.c")
ZLIB_FLAGS = "-DHAVE_UNISTD_H -DHAVE_STDARG_H -Izlib"

ZSTD = files("zstd/lib/common/*.c") + files("zstd/lib/compress/*.c") + files("zstd/lib/decompress/*.c") + files("zstd/lib/dictBuilder/*.c")
ZSTD_TOOLS = ["zstd/programs/util.c", "zstd/programs/timefn.c", "zstd/programs/datagen.c"]
# As its tests' Makefile has it.
ZSTD_FLAGS = ("-DZSTD_MULTITHREAD -DZSTD_LEGACY_SUPPORT=0 -DZSTD_DISABLE_ASM -DZSTD_WINDOW_OVERFLOW_CORRECT_FREQUENTLY=1 -DDEBUGLEVEL=1"
              " -Izstd/lib -Izstd/lib/common -Izstd/lib/compress -Izstd/lib/dictBuilder -Izstd/programs")

# (program, language, flags, files, file with main)
PROGRAMS = [
    ("lua", "c", LUA_FLAGS, LUA, "lua/src/lua.c"),
    ("lua++", "c++", LUA_FLAGS, LUA, "lua/src/lua.c"),
    ("sqlite3", "c", SQLITE_FLAGS, SQLITE + ["sqlite/bld/tsrc/shell.c"], "sqlite/bld/tsrc/shell.c"),
    ("speedtest1", "c", SQLITE_FLAGS, SQLITE + ["sqlite/test/speedtest1.c"], "sqlite/test/speedtest1.c"),
    ("fuzzcheck", "c", SQLITE_FLAGS, SQLITE + FUZZCHECK, "sqlite/test/fuzzcheck.c"),
    ("example", "c", ZLIB_FLAGS, ZLIB + ["zlib/test/example.c"], "zlib/test/example.c"),
    ("minigzip", "c", ZLIB_FLAGS, ZLIB + ["zlib/test/minigzip.c"], "zlib/test/minigzip.c"),
    ("infcover", "c", ZLIB_FLAGS, ZLIB + ["zlib/test/infcover.c"], "zlib/test/infcover.c"),
    ("zlib_roundtrip", "c", ZLIB_FLAGS, ZLIB + ["workloads/zlib_roundtrip.c"], "workloads/zlib_roundtrip.c"),
    ("zstd_roundtrip", "c", ZSTD_FLAGS, ZSTD + ["workloads/zstd_roundtrip.c"], "workloads/zstd_roundtrip.c"),
    ("fuzzer", "c", ZSTD_FLAGS, ZSTD + ZSTD_TOOLS + ["zstd/tests/fuzzer.c"], "zstd/tests/fuzzer.c"),
]

# What makes a program right on a stack that moves: {program: (its files that have a header put before them or are replaced, C++ files
# added to it, functions that those wrap)}.
SQLITE_REMEDY = ({}, ["sqlite"], ["sqlite3_prepare_v2", "sqlite3_prepare_v3", "sqlite3_step", "sqlite3_blob_open",
                             "sqlite3_bind_text"])
ZLIB_REMEDY = ({}, ["zlib"], ["deflateInit_", "deflateInit2_", "deflateCopy", "deflateEnd",
                              "inflateInit_", "inflateInit2_", "inflateCopy", "inflateEnd",
                              "inflateBackInit_", "inflateBackEnd", "gzread", "gzwrite"])
ZSTD_REMEDY = ({}, ["zstd"], ["ZDICT_optimizeTrainFromBuffer_cover", "ZDICT_optimizeTrainFromBuffer_fastCover",
                              "ZDICT_trainFromBuffer_cover"])
REMEDIES = {
    "lua": ({"lua/src/ldo.c": "lua.h"}, ["pin"], []),
    "lua++": ({"lua/src/ldo.c": "lua.hpp"}, [], []),
    "sqlite3": ({"sqlite/bld/tsrc/shell.c": "sqlite/bld/shell-static.c"}, *SQLITE_REMEDY[1:]),
    "speedtest1": SQLITE_REMEDY,
    "fuzzcheck": SQLITE_REMEDY,
    "example": ZLIB_REMEDY,
    "infcover": ZLIB_REMEDY,
    "minigzip": ZLIB_REMEDY,
    "zlib_roundtrip": ZLIB_REMEDY,
    "zstd_roundtrip": ZSTD_REMEDY,
}

print(f"""
library = {sys.argv[1]}
names = -Wl,--undefined=backtrace_create_state,--undefined=backtrace_pcinfo,--undefined=backtrace_syminfo -lbacktrace
rule check
  command = GROWSTACK_LIBRARY=$library {HERE}/compile.sh $compiler $out -MD -MF $out.d $flags $in
  depfile = $out.d
  description = $compiler $out
rule unchecked
  command = g++ -std=c++20 -O1 -Wall -Wextra -I{INCLUDE} $flags -MD -MF $out.d -c $in -o $out
  depfile = $out.d
rule static
  command = sed 's/^  ShellState data;$$/  static&/' $in >$out
rule program
  command = $linker $in $wrap $library -lboost_context -Wl,-z,now $names -pthread -lm -o $out
""")


Compiler = collections.namedtuple("Compiler", "name c cxx linker flags")
COMPILERS = [
    Compiler("gcc", "gcc", "g++", "g++", ""),
    Compiler("clang", "clang", "clang++", "g++", ""),
    Compiler("safe", "clang-19", "clang++-19", "clang++-19 -fsanitize=safe-stack", " -fsanitize=safe-stack"),
]


def object_of(directory, source, language, flags, compiler):
    """Prints, once, how a file is compiled, and returns its object."""
    target = f"{directory}/{source[:-2]}.o"
    if target not in object_of.seen:
        object_of.seen.add(target)
        if language == "c++":
            compiler = compiler.cxx
            flags = f"-x c++ -std=c++20 -include {HERE}/main.hpp {flags}"
        else:
            compiler = compiler.c
        print(f"build {target}: check {source}\n  compiler = {compiler}\n  flags = -g1 {flags}")
    return target


object_of.seen = set()


def program(directory, compiler, level, name, language, flags, sources, main, remedy):
    changed, additions, wrapped = remedy
    objects = []
    for source in sources:
        own = f"-{level}{compiler.flags} {flags}" + (" -Dmain=hosted_main" if source == main else "")
        place = f"{directory}/{language}"
        own += OWN_FLAGS.get(source, "")
        change = changed.get(source, "")
        if change.endswith(".c"):
            source = change
        elif change:
            own += f" -I{INCLUDE} -include {HERE}/remedies/{change}"
            place += "-remedied"
        objects.append(object_of(place, source, language, own, compiler))
    objects += ["host.o"] + [f"{addition}.remedy.o" for addition in additions]
    print(f"build {directory}/{name}: program {' '.join(objects)} | $library")
    print("  wrap = " + " ".join(f"-Wl,--wrap={w}" for w in wrapped))
    print(f"  linker = {compiler.linker}")


# The shell gives the address of this local of main() to functions that it registers.
print("build sqlite/bld/shell-static.c: static sqlite/bld/tsrc/shell.c")
print(f"build host.o: unchecked {HERE}/host.cpp")
for addition in sorted({a for _, additions, _ in REMEDIES.values() for a in additions}):
    print(f"build {addition}.remedy.o: unchecked {HERE}/remedies/{addition}.cpp\n  flags = -Izlib -Izstd/lib")
for compiler in COMPILERS:
    for level in ("O0", "O2"):
        directory = f"{compiler.name}-{level}"
        built = []
        for name, *rest in PROGRAMS:
            program(directory, compiler, level, name, *rest, ({}, [], []))
            built.append(f"{directory}/{name}")
            if name in REMEDIES and compiler.name != "safe":  # which needs none
                program(directory, compiler, level, name + ".remedied", *rest, REMEDIES[name])
                built.append(f"{directory}/{name}.remedied")
        print(f"build all-{directory}: phony {' '.join(built)}")
