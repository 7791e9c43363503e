// Calls that change the stack, or begin one: for C++ code that is not compiled with checks, and for the library.
// src/arch/arch.hpp and growstack/detail/arch.hpp declare them.

#include "arch/x86_64/macros.inc"

        .text
        .hidden growstack_finish_native_call
        .hidden growstack_finish_call_on_root_stack

// (callable, run, frame_bytes), (result, callable, run, frame_bytes) and (frame_bytes): a failed check, then a callee.
        .macro  call_with_room name, frame_bytes, callee:vararg
        function \name
        mov     \frame_bytes, %r10
        xor     %r11d, %r11d
        call    __morestack
        ret
        \callee
        end_function \name
        .endm

        call_with_room growstack_call_with_room, %rdx, jmp *%rsi
        call_with_room growstack_call_with_room_in_memory, %rcx, jmp *%rdx
        call_with_room growstack_ensure, %rdi, ret

// (callable, run) and (result, callable, run). All registers that may hold pointers into a stack stay on this one,
// under `context`, so that they are re-pointed if that stack moves meanwhile. The limit is restored on the other side
// (native_scope).
        .macro  call_natively name, run
        function \name
        push_frame_pointer
        push    %rbx
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        note_native_call
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

// (f, argument). For the fault handler, too, whose own stack may be small.
        .hidden growstack_call_on_root_stack
function growstack_call_on_root_stack
        push_frame_pointer
        enter_root_stack %rax
        mov     %rdi, %rax
        mov     %rsi, %rdi
        jmp     growstack_finish_call_on_root_stack
end_function growstack_call_on_root_stack

// (context, f, argument). For an unwinder in f: the frame below says that it was called by the code that has left an
// fcontext, whose layout is that of Boost 1.81 (jump_x86_64_sysv_elf_gas.S): r12-r15, rbx, rbp and the return address,
// from context + 16.
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

// growstack_enter does not return. Nobody has called this function, says its CFI: unwinders and debuggers end here. (It
// is jumped to, over a return address that leads back into make_fcontext.)
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
