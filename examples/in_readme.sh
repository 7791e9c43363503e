#!/bin/sh
# Checks that the README's first code block and the output after it are what is compiled and tested here:
# in_readme.sh README PROGRAM EXPECTED
block() { awk -v opening="$1" '/^```/ { if (inside) exit; inside = ($0 == opening); next } inside' "$2"; }
block '```cpp' "$1" | diff -u "$2" - && block '```text output' "$1" | diff -u "$3" -
