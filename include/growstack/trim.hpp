// Giving memory back, for a program that has become quiet.
#pragma once

namespace growstack {

/// Gives back to the system what no coroutine needs now: of every suspended one what its trim() would, stacks and
/// control blocks that wait for the next coroutines, idle pages of the heap. Stacks stay where they are. What other
/// threads have at hand they keep. Takes a system call or two for each coroutine. Precondition: no other thread
/// resumes, creates or destroys a coroutine meanwhile.
void trim() noexcept;

} // namespace growstack
