// What a random program knows of its surroundings.
#pragma once

/// Computes a checksum.
unsigned long program();

/// Yields in a coroutine; does nothing on a plain thread.
void yield();
