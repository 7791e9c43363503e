// The machine and its ABI. What differs between architectures lies in a folder beside this file and in a header in
// include/growstack/detail/arch/. Nothing else names a register, an instruction or a number of the ABI (tests/layers.py
// looks), so a second architecture is a second folder and a second header, and a line in the #if here and there.
//
// A check has failed. The stack grows down, and growth runs elsewhere, on the thread's root stack:
//
//      |  the caller's frame        |
//      |  stack arguments           |
//      |  return address            |  callee_sp(): sp, as the prologue's check has seen it
//      |  address in the prologue   |  where the callee goes on
//      |  limit, and every register |  struct check_frame: in memory, where a move re-points them as all words
//      |  that growth may not lose  |
//      |                            |  sp
//
// What the header provides (growstack/detail/arch/x86_64.hpp):
//
//      read_limit, write_limit   the word that compilers' checks compare sp with. Where compilers have no checks, any
//                                word of the thread's: stacks grow by probes and at the guard then
//      thread_state_address      of growstack_thread, asked for anew each time
//      check_frame               `entered`, `lowered_by`, `limit`, `check_address`, `return_address`, callee_sp()
//      probe<Below>()            touches the stack; has its entry in the table of probes
//      vectors_saved             the argument vector registers, as `words` that a move re-points
//      address_bits              of a program's addresses. The page map's root and what counts as a pointer follow
//      red_zone_bytes            0 where there is none
//      page_bytes                a constant, for the sizes of slots, rooms and classes are computed at compile time.
//                                Where a kernel may have pages of 16 KiB, it is 16 KiB: then the growth room and the
//                                spare (config.hpp), the smallest guarded stack (stack_class.hpp) and the heap's
//                                pages must become multiples of that; static_asserts name the places
//
// What the folder provides:
//
//      meson.build               its files, and `no_vectors`: flags for what runs during growth
//      layout.h                  offsets, written once, for the assembly and for the asserts in layout.cpp
//      __morestack, its siblings what compilers' checks call
//      the entries               declared here, and for headers in growstack/detail/arch.hpp. Each call that continues
//                                on another stack lies in the function __morestack, for gdb
//      setjmp, longjmp           in front of the C library's
//      interrupted_code          the registers of a signal frame: read, re-pointed, and where a probing loop ends
//      jmp_buf                   which words there are, and which are encoded
//      relocate_kernels()        base/relocate.hpp
//      set_bytes, copy_bytes     without a call that a sanitizer sees
//      thread_pointer            what debuggers know of a thread
//
// The assembly calls growstack_make_room, growstack_leave_chunk and growstack_allocate (check/compiler.cpp),
// growstack_enter (coroutine/enter.cpp), growstack_note_setjmp, growstack_prepare_jump, growstack_prepare_builtin_jump
// and growstack_find_jump (check/jump.cpp). It knows the frame of Boost.Context's fcontext;
// packaging/gdb/growstack-gdb.py knows that, too, and what growstack_call_natively pushes.
//
// What more an architecture may ask for: return addresses that are signed with sp must be signed again when a stack
// moves, or contiguous stacks are refused; tags in the high bits of pointers must be masked where words are compared.
// That numbers look like no addresses of stacks (system/address_space.hpp) holds for little-endian machines.
#pragma once

#if defined(__x86_64__)
#include "arch/x86_64/interrupted_code.hpp"
#include "arch/x86_64/jmp_buf.hpp"
#include "arch/x86_64/machine.hpp"
#endif

#include <boost/context/detail/fcontext.hpp>

extern "C" {
/// Calls f(argument) on the thread's root stack, below where its last resume left it.
void growstack_call_on_root_stack(void (*f)(void*), void* argument) noexcept;

/// Calls f(argument) so that its caller seems to be the code that a context of fcontext's has left.
void growstack_call_from_context(const void* context, void (*f)(void*), void* argument) noexcept;

/// The first function on a coroutine's stack: calls growstack_enter, and has no caller.
void growstack_first_frame(boost::context::detail::transfer_t) noexcept;
}
