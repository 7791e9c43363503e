// Calls that change the stack, or begin one: for C++ code that is not compiled with checks, and for the library.
// src/arch/arch.hpp and growstack/detail/arch.hpp declare them.

#include "arch/x86_64/assembly.h"

        .text
        .hidden growstack_finish_native_call
        .hidden growstack_finish_call_on_root_stack

// void growstack_call_with_room(void* callable, void (*run)(void*), size_t frame_bytes): run(callable), called as a checked
// function whose frame of so many bytes does not fit. ..._in_memory: with an address for the result before the rest.
        .macro  call_with_room name, run, frame_bytes
        function \name
        mov     \frame_bytes, %r10
        xor     %r11d, %r11d
        call    __morestack
        ret
        jmp     *\run
        end_function \name
        .endm

        call_with_room growstack_call_with_room, %rsi, %rdx
        call_with_room growstack_call_with_room_in_memory, %rdx, %rcx

// void growstack_ensure(size_t bytes): the same for a function that does nothing.
function growstack_ensure
        mov     %rdi, %r10
        xor     %r11d, %r11d
        call    __morestack
        ret
        ret
end_function growstack_ensure

// void growstack_call_natively(void* callable, void (*run)(void*), size_t unused): run(callable), on the thread's root stack, below
// where its last resume left it. ..._in_memory: with an address for the result before the rest.
// All registers that may hold pointers into a stack stay on this one, under `context`, so that they are re-pointed if
// that stack moves meanwhile. The limit is restored on the other side (native_scope).
        .macro  call_natively name, run
        function \name
        push_frame_pointer
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rax
        mov     %rsp, STACK_CONTEXT(%rax)
        movq    $0, LIMIT
        mov     \run, %r11
        enter_root_stack %rax
        jmp     growstack_finish_native_call
        end_function \name
        .endm

        call_natively growstack_call_natively, %rsi
        call_natively growstack_call_natively_in_memory, %rdx

// void growstack_call_on_root_stack(void (*f)(void*), void* argument): for the fault handler, whose own stack may be
// small. On the thread's root stack, below where its last resume left it.
        .hidden growstack_call_on_root_stack
function growstack_call_on_root_stack
        push_frame_pointer
        enter_root_stack %rax
        mov     %rdi, %rax
        mov     %rsi, %rdi
        jmp     growstack_finish_call_on_root_stack
end_function growstack_call_on_root_stack

// void growstack_call_from_context(const void* context, void (*f)(void*), void* argument): f(argument), for an unwinder in it: the
// frame below says that it was called by the code that has left an fcontext, whose layout is that of Boost 1.81
// (jump_x86_64_sysv_elf_gas.S): r12-r15, rbx, rbp and the return address, from context + 16.
        .hidden growstack_call_from_context
function growstack_call_from_context
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rdi, %rbp
        .cfi_remember_state
        .cfi_def_cfa %rbp, 0x48
        .cfi_offset %rbp, -16
        .cfi_offset %rbx, -24
        .cfi_offset %r15, -32
        .cfi_offset %r14, -40
        .cfi_offset %r13, -48
        .cfi_offset %r12, -56
        mov     %rdx, %rdi
        call    *%rsi
        .cfi_restore_state
        pop     %rbp
        .cfi_def_cfa_offset 8
        .cfi_restore %rbp
        ret
end_function growstack_call_from_context

// void growstack_first_frame(transfer_t): the first function on a coroutine's stack. Calls growstack_enter, which does
// not return. Nobody has called this one, say its CFI: unwinders and debuggers end here. (It is jumped to, over a
// return address that leads back into make_fcontext.)
        .hidden growstack_enter
        .hidden growstack_first_frame
function growstack_first_frame
        .cfi_undefined %rip
        add     $8, %rsp
        .cfi_def_cfa_offset 0
        call    growstack_enter
        ud2
end_function growstack_first_frame

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
