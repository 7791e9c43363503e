// Macros that the assembly files share.
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

// Store and load registers, the first at `offset` from rbp, each of the others in the word below.
.macro  save_registers offset, registers:vararg
        .set    .Loffset, \offset
        .irp    register, \registers
        mov     %\register, .Loffset(%rbp)
        .set    .Loffset, .Loffset - 8
        .endr
.endm

.macro  load_registers offset, registers:vararg
        .set    .Loffset, \offset
        .irp    register, \registers
        mov     .Loffset(%rbp), %\register
        .set    .Loffset, .Loffset - 8
        .endr
.endm

// What growstack_call_natively has pushed, below rbp.
.macro  note_native_call
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
.endm
