#!/bin/sh
# Prints a line for each LLVM whose headers for passes are on this machine: its major version, and the headers' directory.
for config in $(ls /usr/lib/llvm-*/bin/llvm-config /usr/lib64/llvm*/bin/llvm-config 2>/dev/null) $(command -v llvm-config); do
    headers=$("$config" --includedir) || continue
    [ ! -f "$headers/llvm/Passes/PassPlugin.h" ] || echo "$("$config" --version | cut -d. -f1) $headers"
done | sort -u -k1,1n
