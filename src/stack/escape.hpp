// A coroutine's escape stack: in a safe build, the variables whose address escapes lie here, and it never moves.
//
//      native stack        escape stack
//      |  caller   |       |  caller's escaping variables  |  hi of a piece
//      |  callee   |       |  callee's                     |
//      |           |       |                               |  the escape pointer
//
// Functions take what they need below the thread's escape pointer and put it back when they return. So a newer piece
// may be entered at any instruction: whoever was in the older one comes back to it by itself. And nobody is told when;
// so the room that has told the first time is closed again, as far as it is not in use, and tells the next time, too.
#pragma once

#include "memory/escape_pool.hpp"

#include <growstack/detail/stack.hpp>

#include <cstddef>
#include <cstdint>

namespace growstack::grow {

/// Gives a new stack its escape stack, if the program has a safe build. Returns false if there is no memory.
bool begin_escape(stack& self) noexcept;

/// Gives it back.
void release_escape(stack& self) noexcept;

/// At a touch of the room below one of its pieces: opens the room, and has each check fail from now on, so that the
/// next one adds a piece. Returns false if it is no such touch, or the system refuses. Async-signal-safe.
bool open_escape_room(stack& self, std::uintptr_t touched) noexcept;

/// At a failed check of the running stack: goes on in a newer piece if the room of the present one was opened. Returns
/// false if there may be none, and the room is in use; or if a frame is larger than room and guard.
bool ensure_escape(stack& self) noexcept;

/// Re-points every word in use. What points into the native stack there: lists of variable arguments (va_list), jump
/// buffers, whatever code of another build has left.
void adjust_escape(stack& self, const displacement& moved) noexcept;

/// The same for jump buffers. `frames`: those into which they may lead.
void adjust_escaped_jump_buffers(stack& self, bounds frames, const displacement& moved) noexcept;

/// How much the running stack has in use there, in units of its alignment: what a jump buffer has room for. And goes
/// back to that: where a function of another build has called setjmp, nobody else does.
std::uint32_t escape_depth(const stack& self) noexcept;
void return_to_escape_depth(stack& self, std::uint32_t depth) noexcept;

/// Calls visit(bounds, argument) for each part that is in use, the newest first.
void visit_escape(const stack& self, void (*visit)(bounds, void*), void* argument) noexcept;

/// Says if an address is in use there.
bool is_on_escape(const stack& self, std::uintptr_t address) noexcept;

/// Says if an address lies in the guard below one of its pieces.
bool is_escape_guard(const stack& self, std::uintptr_t address) noexcept;

/// Says if the running stack has a frame there that is larger than what was left.
bool is_over_escape_end(const stack& self) noexcept;

/// Of a stack that does not run: gives the memory that is not in use back to the system.
void trim_escape(stack& self) noexcept;

/// Returns the address space of all its pieces.
std::size_t escape_bytes(const stack& self) noexcept;

std::size_t escape_bytes_in_use(const stack& self) noexcept;

/// Returns the bytes of its whole pages that have memory.
std::size_t escape_bytes_touched(const stack& self) noexcept;

} // namespace growstack::grow
