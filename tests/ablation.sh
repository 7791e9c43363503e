#!/usr/bin/env bash
# Takes out of a copy of the library, one after another, what keeps a safe build right, and shows that the tests of escape stacks and of
# jumps fail then; with everything in place they pass. Usage: tests/ablation.sh [COMPILER]
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/setup.sh

readonly compiler=${1-clang++-19} copy=build/ablation/source build=build/ablation/build
install_missing clang-19 libclang-rt-19-dev meson ninja-build pkg-config libboost-context1.81-dev doctest-dev
mkdir -p build/ablation
rm -rf "$copy"
mkdir "$copy"
cp -r include src packaging tests meson.build meson_options.txt "$copy"
[[ -d $build ]] || CXX=$compiler meson setup "$build" "$copy" -Dwerror=false >build/ablation/setup.log || fail "see build/ablation/setup.log"
mapfile -t split_flags < <(sed -n 's/^clang: *//p' packaging/split-flags | tr ' ' '\n')
readonly flags=(-std=c++20 -O2 "-I$copy/include" "-I$copy/src" -pthread) safe=-fsanitize=safe-stack
readonly checked=(-fsplit-stack "${split_flags[@]}" -include growstack/detail/variadic.hpp "$safe")

# Each step says if it failed: where a function's result is asked for, `set -e` does not end it.
compile() {
    local source
    ninja -C "$build" src/libgrowstack.a || return
    for source in main support; do
        "$compiler" "${flags[@]}" -O0 -c "$copy/tests/$source.cpp" -o "$build/$source.o" || return
    done
    for source in stack_use stack/escape_test check/jump_test; do
        "$compiler" "${flags[@]}" "${checked[@]}" -c "$copy/tests/$source.cpp" -o "$build/${source##*/}.o" || return
    done
    "$compiler" "$safe" -pthread "$build"/{main,support,stack_use,escape_test,jump_test}.o "$build/src/libgrowstack.a" \
        -lboost_context -Wl,-z,now -Wl,--undefined=growstack_jumps -o "$build/tests"
}

# The tests run in a hard mode, too, for some faults show by luck of addresses only.
tests_pass() {
    local stress
    quietly build/ablation/compile.log compile || return 2
    for stress in "" move,poison; do
        { GROWSTACK_STRESS=$stress "$build/tests" >build/ablation/tests.log 2>&1; } 2>/dev/null || return 1
    done
}

passed=0 failed=0
count() {
    echo "$1: $2"
    if [[ $2 == "as it should be"* ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

how_it_fails() {
    local last
    last=$(tail -n 1 build/ablation/tests.log)
    if [[ $last =~ ^[0-9]+\ passed,\ ([0-9]+)\ failed$ ]]; then echo "${BASH_REMATCH[1]} test cases fail"; else echo "the program dies"; fi
}

# without WHAT FILE TEXT [INSTEAD]: takes this text, which is there once, out of a file.
without() {
    local what=$1 file=$copy/$2 text=$3 instead=${4-} code=0 whole
    [[ $(grep -cF "$text" "$file") == 1 ]] || fail "$2 has no such line, or several: $text"
    whole=$(<"$file")
    printf '%s\n' "${whole/"$text"/"$instead"}" >"$file"
    tests_pass || code=$?
    printf '%s\n' "$whole" >"$file"
    case $code in
    0) count "without $what" "the tests still pass" ;;
    2) count "without $what" "it does not compile" ;;
    *) count "without $what" "as it should be, $(how_it_fails)" ;;
    esac
}

if tests_pass; then count "with everything" "as it should be"; else
    tail -n 40 build/ablation/tests.log
    count "with everything" "tests fail"
fi
without "the switch" include/growstack/detail/switch.hpp \
    "if (has_escape_stacks()) from.escape_pointer = exchange_escape_pointer(to.escape_pointer);"
without "the re-pointing" src/stack/escape.cpp "adjust_range(whole_words(range), moved);"
without "the jump buffers' re-pointing" src/stack/escape.cpp "adjust_jump_buffers(whole_words(range), frames, moved);"
without "native()'s switch" src/coroutine/native.cpp \
    "if (has_escape_stacks()) caller.escape_pointer = exchange_escape_pointer(thread.root.escape_pointer);"
without "the trace hook's switch" src/base/trace.cpp "const grow::on_threads_escape_stack roomy;"
without "a look at each check while there are several pieces" include/growstack/detail/stack.hpp "fails_checks = 31," "fails_checks = 15,"
echo "$passed passed, $failed failed"
((failed == 0))
