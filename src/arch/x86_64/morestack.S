// __morestack and its siblings: what a compiler's prologue check calls when a frame does not fit.
// x86-64 System V, GCC and Clang objects compiled with -fsplit-stack.
//
// A checked function begins with
//
//      cmp  %fs:0x70, %rsp            or   lea -N(%rsp), %r11 ; cmp %fs:0x70, %r11
//      jb   slow
// body: ...
// slow: mov  $frame_bytes, %r10d
//      mov  $stack_argument_bytes, %r11d
//      call __morestack
//      ret                            1 byte; a chunk's callee comes back through it
//      jmp  body                      __morestack continues here, at its return address + 1
//
// What may happen, on the way out of __morestack:
//   moved     everything from the check frame up lies elsewhere now: registers are reloaded from there, go to body
//   linked    the body is *called* on a chunk; when it returns, the chunk is unlinked and the `ret` above is taken
//   foreign   the check ran on a stack that is not the running coroutine's (a signal handler on its own stack): go to
//             body, nothing changes
//
// All of them must preserve every register that can carry an argument: rax (static chain, vector count), rdi, rsi,
// rdx, rcx, r8, r9 and zmm0-zmm7. The C++ behind this file is compiled for general registers only, and saves vector
// registers itself where it calls code that may use them.
//
// Its frame is struct check_frame (growstack/detail/arch/x86_64.hpp). From rbp: the limit and saved registers below,
//      0 caller's rbp     +8 return address in the prologue     +16 callee's return address
//
// Unwinding: the call of __morestack sits in a prologue, for which the callee has no exception table. So the frame
// below pretends that the callee's *caller* called it: CFA = rbp + 24, return address at CFA - 8.
//
// Signals: a handler may run between any two instructions and may itself fail a check. While a kept chunk is being
// entered or left the limit is `in_transition`: such a check links a chunk of its own and leaves the kept one alone.
//
// Source: GCC libgcc/config/i386/morestack.S for the contract; LLVM X86FrameLowering::adjustForSegmentedStacks.

#include "arch/x86_64/macros.inc"

        .text
        .hidden growstack_is_observed
        .hidden growstack_make_room
        .hidden growstack_leave_chunk
        .hidden growstack_allocate

// Jumps to `foreign` unless rsp lies in the running coroutine's memory, or what may be opened below: not one page
// more, for a signal handler's alternate stack may lie there. Clobbers rax, rcx, rdx, rsi.
.macro  jump_if_foreign foreign
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rsi
        test    %rsi, %rsi
        je      \foreign
        mov     STACK_INNERMOST(%rsi), %rcx
        add     $STACK_MEMORY, %rsi
77:     mov     (%rsi), %rax
        mov     8(%rsi), %rdx
        sub     %rax, %rdx
        neg     %rax
        add     %rsp, %rax
        cmp     %rdx, %rax
        jb      78f                     // in the memory itself, as nearly always
        mov     (%rsi), %rax
        cmp     $LARGEST_WITHOUT_SLACK_BYTES, %rdx
        jbe     79f
        add     $(SLACK_BYTES - 1), %rax
        and     $-SLACK_BYTES, %rax
        sub     $SLACK_BYTES, %rax
79:     sub     $ROOM_BYTES, %rax       // the lowest address that may be opened
        mov     8(%rsi), %rdx
        sub     %rax, %rdx
        neg     %rax
        add     %rsp, %rax
        cmp     %rdx, %rax
        jb      78f
        test    %rcx, %rcx
        je      \foreign
        lea     CHUNK_MEMORY(%rcx), %rsi
        mov     CHUNK_OLDER(%rcx), %rcx
        jmp     77b
78:
.endm

// Returns to check_frame::check_address, with rsp at the frame's rbp.
.macro  return_from_check
        pop     %rbp
        .cfi_remember_state
        .cfi_def_cfa %rsp, 16
        .cfi_restore %rbp
        ret
        .cfi_restore_state
.endm

// C++ signature: none; called by prologues only.
// In: r10 = frame bytes, r11 = stack argument bytes. Out: continues at return address + 1. Clobbers r10, r11.
function __morestack, alignment=6
        .cfi_personality 0x9b, DW.ref.__gcc_personality_v0
        .cfi_lsda 0x1b, .Lexception_table
        .cfi_def_cfa_offset 16
        push    %rbp
        .cfi_def_cfa_offset 24
        .cfi_offset %rbp, -24
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub     $FRAME_BYTES, %rsp
        mov     %rax, FRAME_RAX(%rbp)
        mov     LIMIT, %rax
        mov     %rax, FRAME_LIMIT(%rbp)
        movq    $LIMIT_IN_TRANSITION, LIMIT

        // Fast path: enter the kept chunk, no stack arguments to copy, nobody watching.
        test    %r11d, %r11d
        jne     .Lask
        cmpb    $0, growstack_is_observed(%rip)
        jne     .Lask
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rax
        test    %rax, %rax
        je      .Lask
        mov     STACK_READY(%rax), %rax
        test    %rax, %rax
        je      .Lask
        mov     %rax, %r11
        sub     %r10, %r11
        cmp     CHUNK_LIMIT(%rax), %r11
        jb      .Lask_no_arguments

        mov     CHUNK_OWNER(%rax), %r11
        movq    $0, STACK_READY(%r11)
        mov     STACK_INNERMOST(%r11), %r10
        mov     %r10, CHUNK_OLDER(%rax)
        mov     %rax, STACK_INNERMOST(%r11)
        incq    STACK_LINKS(%r11)
        mov     %rax, FRAME_ENTERED(%rbp)
        mov     %rsp, CHUNK_FROM(%rax)
        mov     CHUNK_LIMIT(%rax), %r10
        mov     %rax, %rsp
        mov     %r10, LIMIT             // before STACK_LIMIT: a handler in between restores both from LIMIT
        mov     %r10, STACK_LIMIT(%r11)
        mov     FRAME_CHECK_ADDRESS(%rbp), %r10
        inc     %r10
        mov     FRAME_RAX(%rbp), %rax
.Lfast_call:
        call    *%r10
.Lfast_call_end:

.Lreturned:
        // Live now: rax, rdx, zmm0, zmm1, st0, st1. The callee may have yielded and come back on another thread.
        mov     FRAME_ENTERED(%rbp), %r10
        mov     CHUNK_OWNER(%r10), %r11
        cmpb    $0, CHUNK_KEPT(%r10)
        je      .Lask_to_leave
        cmpb    $0, growstack_is_observed(%rip)
        jne     .Lask_to_leave
        cmpq    $0, STACK_READY(%r11)
        jne     .Lask_to_leave
        movq    $LIMIT_IN_TRANSITION, LIMIT
        mov     %rbp, %rsp              // what lies below is in the red zone
        mov     CHUNK_OLDER(%r10), %rcx
        mov     %rcx, STACK_INNERMOST(%r11)   // before STACK_READY: a handler may enter the kept chunk from then on
        mov     %r10, STACK_READY(%r11)
        mov     FRAME_LIMIT(%rbp), %r10
        mov     %r10, LIMIT
        mov     %r10, STACK_LIMIT(%r11)
        return_from_check

.Lask_to_leave:
        movq    $0, LIMIT
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     %rax, FRAME_RAX(%rbp)
        mov     %rdx, FRAME_RDX(%rbp)
        mov     %rsp, %rdi
        enter_root_stack %rax
        call    growstack_leave_chunk
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     FRAME_LIMIT(%rbp), %r10
        mov     %r10, LIMIT
        mov     FRAME_RAX(%rbp), %rax
        mov     FRAME_RDX(%rbp), %rdx
        mov     %rbp, %rsp
        return_from_check

.Lask_no_arguments:
        xor     %r11d, %r11d
.Lask:
        // Slow path: is this check on the running coroutine's stack at all?
        save_registers FRAME_RDI, rdi, rsi, rdx, rcx, r8, r9
        save_registers FRAME_RBX, rbx, r12, r13, r14, r15
        jump_if_foreign .Lforeign

.Lmake_room:
        movq    $0, LIMIT
        mov     %rsp, %rdi
        mov     %r10, %rsi
        mov     %r11, %rdx
        enter_root_stack %rax
        call    growstack_make_room     // check_result(check_frame*, frame bytes, argument bytes); may throw
        test    %rdx, %rdx
        jne     .Lcall_on_chunk
        mov     %rax, %rsp
        lea     FRAME_BYTES(%rax), %rbp
        load_registers FRAME_RBX, rbx, r12, r13, r14, r15
.Lforeign:
        load_registers FRAME_RAX, rax, rdi, rsi, rdx, rcx, r8, r9
        mov     FRAME_LIMIT(%rbp), %r10
        mov     %r10, LIMIT
.Lgo_to_body:
        // Return address + 1, past GCC's `lea 0x18(%rbp), %r11` of variadic functions, which expects this frame to
        // stay; r11 becomes what it would have loaded. With -fcf-protection an endbr64 comes first.
        mov     FRAME_CHECK_ADDRESS(%rbp), %r10
        inc     %r10
        cmpl    $0xfa1e0ff3, (%r10)
        jne     1f
        add     $4, %r10
1:      cmpl    $0x185d8d4c, (%r10)
        jne     2f
        add     $4, %r10
        lea     24(%rbp), %r11
2:      mov     %r10, FRAME_CHECK_ADDRESS(%rbp)
        mov     %rbp, %rsp
        return_from_check

.Lcall_on_chunk:
        mov     FRAME_ENTERED(%rbp), %r10
        mov     CHUNK_LIMIT(%r10), %r11
        mov     FRAME_CHECK_ADDRESS(%rbp), %r10
        inc     %r10
        mov     %rdx, %rsp
        mov     %r11, LIMIT
        load_registers FRAME_RAX, rax, rdi, rsi, rdx, rcx, r8, r9
.Lslow_call:
        call    *%r10
.Lslow_call_end:
        jmp     .Lreturned

.Llanding_pad:
        // An exception leaves the chunk: rax is the exception, rbp this frame, rsp still on the chunk.
        movq    $0, LIMIT
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     %rax, FRAME_RAX(%rbp)
        mov     %rsp, %rdi
        enter_root_stack %rax
        call    growstack_leave_chunk
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     FRAME_LIMIT(%rbp), %r10
        mov     %r10, LIMIT
        mov     FRAME_RAX(%rbp), %rdi
        call    _Unwind_Resume@PLT
        ud2

        // The other functions' calls on the root stack, in here because of this function's name: gdb takes a caller
        // whose frame lies below its callee's for a corrupt stack, unless the caller is __morestack. What jumps to the
        // last two is in calls.S. Their labels have no type and no size: for debuggers all this is one function.
.Lallocate:
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        call    growstack_allocate      // allocation(check_frame*, bytes); may throw
        jmp     .Lallocated

        .globl  growstack_finish_call_on_root_stack
        .hidden growstack_finish_call_on_root_stack
growstack_finish_call_on_root_stack:
        call    *%rax
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_restore_state

        .globl  growstack_finish_native_call
        .hidden growstack_finish_native_call
growstack_finish_native_call:
        note_native_call
        call    *%r11
        lea     -40(%rbp), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        .irp    register, rbx, r12, r13, r14, r15, rbp
        .cfi_restore %\register
        .endr
        ret
end_function __morestack

        .section .gcc_except_table,"a",@progbits
        .p2align 2
.Lexception_table:
        .byte   0xff                    // landing pads are relative to the function's start
        .byte   0xff                    // no types
        .byte   0x01                    // call sites in uleb128
        .uleb128 .Lcall_sites_end - .Lcall_sites
.Lcall_sites:
        .uleb128 .Lfast_call - __morestack
        .uleb128 .Lfast_call_end - .Lfast_call
        .uleb128 .Llanding_pad - __morestack
        .uleb128 0
        .uleb128 .Lslow_call - __morestack
        .uleb128 .Lslow_call_end - .Lslow_call
        .uleb128 .Llanding_pad - __morestack
        .uleb128 0
.Lcall_sites_end:

        .hidden DW.ref.__gcc_personality_v0
        .weak   DW.ref.__gcc_personality_v0
        .section .data.rel.local.DW.ref.__gcc_personality_v0,"awG",@progbits,DW.ref.__gcc_personality_v0,comdat
        .p2align 3
        .type   DW.ref.__gcc_personality_v0, @object
        .size   DW.ref.__gcc_personality_v0, 8
DW.ref.__gcc_personality_v0:
        .quad   __gcc_personality_v0
        .text

// The entry that lld and gold put in place of __morestack where the callee calls code without checks. The linker has
// made the check unconditional, so it is done here, with more room: stack_options::non_split_bytes below the frame.
// In, out, clobbers: as __morestack.
function __morestack_non_split
        .cfi_def_cfa_offset 16
        push    %rax
        .cfi_def_cfa_offset 24
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rax
        test    %rax, %rax
        je      2f
        mov     STACK_SIZES(%rax), %rax
        add     SIZES_NON_SPLIT(%rax), %r10
2:      mov     %rsp, %rax
        sub     %r10, %rax
        jb      1f                      // the frame is larger than the address itself
        cmp     LIMIT, %rax
1:      pop     %rax
        .cfi_def_cfa_offset 16
        jb      __morestack
        push    %rbp
        .cfi_def_cfa_offset 24
        .cfi_offset %rbp, -24
        mov     %rsp, %rbp
        jmp     .Lgo_to_body
end_function __morestack_non_split

// The entry for -mcmodel=large: r10 = stack argument bytes << 32 | frame bytes.
function __morestack_large_model
        .cfi_def_cfa_offset 16
        mov     %r10, %r11
        shr     $32, %r11
        mov     %r10d, %r10d
        jmp     __morestack
end_function __morestack_large_model

// void* __morestack_allocate_stack_space(size_t bytes): an alloca or a variable array that does not fit.
// An ordinary call of checked code, except that the caller's sp comes back lower: by what `lowered_by` says. The stack
// may move meanwhile.
function __morestack_allocate_stack_space
        push_frame_pointer
        sub     $FRAME_BYTES, %rsp
        jump_if_foreign .Lforeign_alloca
        mov     LIMIT, %rax
        mov     %rax, FRAME_LIMIT(%rbp)
        movq    $0, LIMIT
        save_registers FRAME_RBX, rbx, r12, r13, r14, r15
        mov     %rdi, %rsi
        mov     %rsp, %rdi
        enter_root_stack %rax
        jmp     .Lallocate
.Lallocated:
        mov     %rax, %rsp
        lea     FRAME_BYTES(%rax), %rbp
        load_registers FRAME_RBX, rbx, r12, r13, r14, r15
        mov     FRAME_LIMIT(%rbp), %r10
        mov     %r10, LIMIT
        mov     FRAME_LOWERED_BY(%rbp), %r11
        mov     %rdx, %rax
        mov     %rbp, %rsp
        .cfi_remember_state
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        pop     %r10
        .cfi_def_cfa_offset 0
        .cfi_register %rip, %r10
        sub     %r11, %rsp
        jmp     *%r10

        // A stack whose end nobody knows: take the space there, below what the caller may use for outgoing arguments.
.Lforeign_alloca:
        .cfi_restore_state
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        pop     %r10
        .cfi_def_cfa_offset 0
        .cfi_register %rip, %r10
        sub     %rdi, %rsp
        sub     $512, %rsp
        and     $-64, %rsp
        lea     512(%rsp), %rax
        jmp     *%r10
end_function __morestack_allocate_stack_space

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
