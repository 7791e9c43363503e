// What the assembly files have in common. For .S files only.
#pragma once

#include "arch/x86_64/layout.h"

#define LIMIT %fs:0x70

// Opens a function; end_function closes it.
.macro  function name, binding=globl, alignment=4
        .\binding \name
        .type   \name, @function
        .p2align \alignment
\name:
        .cfi_startproc
.endm

.macro  end_function name
        .cfi_endproc
        .size   \name, .-\name
.endm

// Opens a frame that rbp points to.
.macro  push_frame_pointer
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
.endm

// Sets rsp to the thread's root stack, below where its last resume left it. Clobbers `scratch`.
.macro  enter_root_stack scratch
        mov     growstack_thread@gottpoff(%rip), \scratch
        mov     %fs:THREAD_ROOT_SP(\scratch), %rsp
        and     $-64, %rsp
.endm
