#!/bin/sh
# Runs a lesson and compares what it prints: compare.sh PROGRAM EXPECTED. Shows the difference if there is one.
# Lessons are checked in plain mode: a hard mode moves and links at every check, which the trace would show.
unset GROWSTACK_STRESS
actual=$(mktemp) || exit 1
trap 'rm -f "$actual"' EXIT
"$1" >"$actual" || { echo "$1 ended with status $?"; exit 1; }
diff -u "$2" "$actual"
