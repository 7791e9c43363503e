#!/usr/bin/env bash
# Compiles the idioms and runs them: run.sh BUILD COMPILER[:LEVEL...]... where BUILD is a meson build that has the library. For g++ the
# ordinary builds, with checks and without, in which those of goes_wrong.list must go wrong, and no others; for a Clang the safe build at
# each LEVEL (-O0 -O1 -O2 -O3 if none is given), in which all must be right but those of its column. Ends with "N passed, M failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

export GROWSTACK_STRESS=

build=$1
out=$build/idioms
library=$build/src/libgrowstack.a
list=tests/idioms/goes_wrong.list
link=("$library" "-Wl,-z,now" "-Wl,--undefined=growstack_jumps" -lboost_context -lpthread)
passed=0 failed=0

# One for each place that an address may go to. In the ordinary build it must go wrong under move,poison; in the safe build, where the
# stack moves as well, it must be right.
one_of_each="pointer_in_new_struct global_pointer tls_pointer thread_writes_result epoll_data xor_with_key visited_set"

# split_flags KIND: what gcc or clang needs for checks.
split_flags() { echo "-fsplit-stack $(sed -n "s/^$1: //p" packaging/split-flags)"; }

# told WHAT COMMAND...: counts a check, and says how it went; of one that failed, all that it printed.
told() {
    local what=$1 code=0 output
    shift
    output=$("$@" 2>&1) || code=$?
    if ((code == 0)); then
        passed=$((passed + 1))
        echo "passed: $what: $(tail -n 1 <<<"$output")"
    else
        failed=$((failed + 1))
        printf 'FAILED: %s:\n%s\n' "$what" "$output"
    fi
}

# compiled NAME LINKER FLAG...: the program out/NAME/idioms. What is newer than its sources, the library included, stays.
compiled() {
    local name=$1 linker=$2 source object objects=()
    shift 2
    mkdir -p "$out/$name"
    for source in tests/idioms/*.cpp; do
        object=$out/$name/$(basename "$source" .cpp).o
        objects+=("$object")
        [[ $object -nt $source && $object -nt tests/idioms/idioms.hpp && $object -nt $library ]] ||
            "$@" -std=c++20 -Wall -Wextra -I include -c "$source" -o "$object"
    done
    # shellcheck disable=SC2086 # the linker has flags
    $linker "${objects[@]}" "${link[@]}" -o "$out/$name/idioms"
}

# in_mode MODE COMMAND...: in a hard mode of the library, or in none.
in_mode() { GROWSTACK_STRESS=$1 "${@:2}"; }

# alone PROGRAM IDIOM: its closing line, under move,poison.
alone() { in_mode move,poison "$1" --stack contiguous "$2" | tail -n 1 || true; }

# says CLOSING PATTERN: the stack has moved, and the result is as it should be.
says() {
    echo "$1"
    # shellcheck disable=SC2053 # a pattern
    [[ $1 == $2 ]]
}
goes_wrong() { says "$(alone "$@")" "[1-9]* moves; 0 right, 1 wrong*"; }
moves_and_is_right() { says "$(alone "$@")" "[1-9]* moves; 1 right, 0 wrong*"; }

# right_where_it_stays NAME: on the stacks that never move all are right, in every build.
right_where_it_stays() {
    told "$1, on a thread" "$out/$1/idioms"
    told "$1, segmented_stack, link,poison" in_mode link,poison "$out/$1/idioms" --stack segmented
    told "$1, reserved_stack" "$out/$1/idioms" --stack reserved
    told "$1, fixed_stack" "$out/$1/idioms" --stack fixed
}

ordinary() {
    local compiler=$1 idiom
    # shellcheck disable=SC2046 # a list of flags
    compiled split "$compiler" "$compiler" -O2 $(split_flags gcc)
    compiled guard "$compiler" "$compiler" -O2
    right_where_it_stays split
    told "split, contiguous_stack" "$out/split/idioms" --stack contiguous --expect $list split
    told "split, contiguous_stack, move,poison" in_mode move,poison "$out/split/idioms" --stack contiguous --expect $list split-move
    told "guard, contiguous_stack" "$out/guard/idioms" --stack contiguous --expect $list guard
    for idiom in $one_of_each; do
        told "split, $idiom goes wrong" goes_wrong "$out/split/idioms" "$idiom"
    done
}

safe() {
    local compiler=$1 level=$2 name=$1$2 idiom
    # shellcheck disable=SC2046 # a list of flags
    compiled "$name" "$compiler -fsanitize=safe-stack" "$compiler" "$level" -fsanitize=safe-stack $(split_flags clang)
    right_where_it_stays "$name"
    told "$name, contiguous_stack" "$out/$name/idioms" --stack contiguous --expect $list safe
    told "$name, contiguous_stack, move,poison" in_mode move,poison "$out/$name/idioms" --stack contiguous --expect $list safe-move
    for idiom in $one_of_each; do
        told "$name, $idiom is right" moves_and_is_right "$out/$name/idioms" "$idiom"
    done
}

for compiler in "${@:2}"; do
    levels=${compiler#"${compiler%%:*}"}
    levels=${levels//:/ }
    case $compiler in
    g++*) ordinary "${compiler%%:*}" ;;
    *) for level in ${levels:--O0 -O1 -O2 -O3}; do safe "${compiler%%:*}" "$level"; done ;;
    esac
done
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
