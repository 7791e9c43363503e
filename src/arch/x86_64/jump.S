// setjmp, longjmp and their relatives, in front of glibc's: a coroutine's stack must know of jump buffers, which a move cannot
// re-point as it does other words, and of jumps, which leave linked chunks behind.
//
//      setjmp    growstack_note_setjmp(env, sp), then glibc's, as if the caller had called it
//      longjmp   growstack_prepare_jump(env), on the thread's root stack, for the jump may leave a chunk that goes; then glibc's,
//                called just below the frame that it is going to
//
// The linker takes this file where growstack_jumps is asked for (meson.build), for ThreadSanitizer's library comes earlier and has setjmp, too.
// setjmp and its relatives are weak: Clang's ThreadSanitizer, linked statically, has functions of these names as well, and the program has
// its. The jumps are not: of those, any static sanitizer has weak ones, which know nothing of chunks.

#include "arch/x86_64/macros.inc"

        .text
        .globl  growstack_jumps
        .hidden growstack_jumps
growstack_jumps:
        .hidden growstack_note_setjmp
        .hidden growstack_prepare_jump
        .hidden growstack_prepare_builtin_jump
        .hidden growstack_find_jump

// int name(jmp_buf env[, int savemask]). In: rdi, esi. Which of glibc's functions: `index`, as growstack_jumps has them.
        .macro  jump_saver name, index
        function \name, weak
        push    %rdi
        .cfi_adjust_cfa_offset 8
        push    %rsi
        .cfi_adjust_cfa_offset 8
        sub     $8, %rsp
        .cfi_adjust_cfa_offset 8
        mov     growstack_thread@gottpoff(%rip), %rax
        cmpq    $0, %fs:THREAD_RUNNING(%rax)
        je      1f
        lea     32(%rsp), %rsi
        call    growstack_note_setjmp   // void(const void* env, uintptr_t sp): as the caller has it after the return
1:      mov     $\index, %edi
        call    growstack_find_jump     // void*(size_t index)
        add     $8, %rsp
        .cfi_adjust_cfa_offset -8
        pop     %rsi
        .cfi_adjust_cfa_offset -8
        pop     %rdi
        .cfi_adjust_cfa_offset -8
        jmp     *%rax
        end_function \name
        .endm

        jump_saver setjmp, 0
        jump_saver _setjmp, 1
        jump_saver __sigsetjmp, 2

// Goes to the thread's root stack, unless it is there, for a jump; to `nothing`, if growstack has nothing to do on this thread.
        .macro  to_root_stack_or nothing
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rcx
        test    %rcx, %rcx
        je      \nothing
        lea     THREAD_ROOT(%rax), %rdx
        add     %fs:0, %rdx
        cmp     %rcx, %rdx
        je      2f
        movq    $0, LIMIT
        mov     %fs:THREAD_ROOT_SP(%rax), %rsp
        and     $-64, %rsp
2:      and     $-16, %rsp
        .endm

// void name(jmp_buf env, int value). In: rdi, esi. Does not return.
        .macro  jumper name, index
        function \name
        push_frame_pointer
        mov     %rdi, %rbx
        mov     %esi, %r12d
        mov     $\index, %r13d
        to_root_stack_or 1f
        mov     %r13d, %esi
        call    growstack_prepare_jump  // prepared_jump(const void* env, size_t index)
        mov     %rax, %r13
        test    %rdx, %rdx
        je      1f
        mov     %rdx, %rsp
1:      mov     %r13, %rdi
        and     $-16, %rsp
        call    growstack_find_jump
        mov     %rbx, %rdi
        mov     %r12d, %esi
        call    *%rax
        ud2
        end_function \name
        .endm

        jumper  longjmp, 3
        jumper  _longjmp, 4
        jumper  siglongjmp, 5
        jumper  __longjmp_chk, 6

// void growstack_builtin_longjmp(void* buffer). In: rdi. Does not return. Instead of __builtin_longjmp, in a safe build: by Clang's plugin.
// The buffer has the frame pointer, where to go on, and the stack pointer.
        function growstack_builtin_longjmp
        push_frame_pointer
        mov     (%rdi), %rbx
        mov     8(%rdi), %r12
        mov     16(%rdi), %r13
        to_root_stack_or 1f
        mov     %r13, %rdi
        call    growstack_prepare_builtin_jump  // void(uintptr_t sp)
1:      mov     %rbx, %rbp
        mov     %r13, %rsp
        jmp     *%r12
        end_function growstack_builtin_longjmp

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
