#!/usr/bin/env bash
# Runs random programs on every kind of stack, plain and in the hard modes, and compares with a plain thread. Each is compiled by GCC
# or Clang at -O0 to -O3: program SEED by the (SEED modulo 8)-th of these. Usage: tests/torture/torture.sh COUNT [FIRST_SEED]
set -euo pipefail
cd "$(dirname "$0")/../.."
. packaging/setup.sh

readonly count=${1:?usage: tests/torture/torture.sh COUNT [FIRST_SEED]} first=${2:-1} build=build/torture
readonly library=${GROWSTACK_LIBRARY:-build/gcc/src/libgrowstack.a}

# run_one SEED: prints a line if something is wrong, and what to do to see it again.
run_one() {
    local seed=$1 compilers=("g++ -fno-ipa-pure-const -fno-ivopts" "clang++ -mllvm -disable-nounwind-inference") compiler level mode
    compiler=${compilers[seed % 2]} level=-O$((seed / 2 % 4))
    python3 tests/torture/generate.py "$seed" >"$build/$seed.cpp"
    # shellcheck disable=SC2086 # words
    if ! $compiler -std=c++20 "$level" -w -fsplit-stack -Iinclude -Itests/torture -c "$build/$seed.cpp" -o "$build/$seed.o" \
        >"$build/$seed.log" 2>&1; then
        echo "seed $seed: does not compile: $build/$seed.log"
        return
    fi
    g++ "$build/$seed.o" "$build/run.o" "$library" -lboost_context -Wl,-z,now -o "$build/$seed"
    for mode in "" move,poison link,poison fault; do
        if ! GROWSTACK_STRESS=$mode timeout 120 "$build/$seed" >"$build/$seed.log" 2>&1; then
            echo "seed $seed, $compiler $level, GROWSTACK_STRESS=$mode: $(tail -n 1 "$build/$seed.log")"
            return
        fi
    done
    rm "$build/$seed" "$build/$seed".*
    echo right
}
export -f run_one
export build library

install_missing g++ clang python3
mkdir -p "$build"
g++ -std=c++20 -O1 -Iinclude -c tests/torture/run.cpp -o "$build/run.o"
seq "$first" $((first + count - 1)) | xargs -P "$(nproc)" -I{} bash -c 'run_one {}' |
    awk -v count="$count" '$0 == "right" { ++passed; if (passed % 100 == 0) print passed " of " count > "/dev/stderr"; next }
        { print; ++failed }
        END { printf "%d passed, %d failed\n", passed, failed + (passed + failed != count) }'
