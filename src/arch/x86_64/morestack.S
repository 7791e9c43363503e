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
// Frame, from rbp (struct check_frame in growstack/detail/check_frame.hpp; every offset is asserted there):
//      +16 callee's return address     +8 return address in the prologue     0 caller's rbp
//      -8 limit   -16 entered   -24 rax -32 rdi -40 rsi -48 rdx -56 rcx -64 r8 -72 r9
//      -80 rbx -88 r12 -96 r13 -104 r14 -112 r15   -120 padding
//
// Unwinding: the call of __morestack sits in a prologue, for which the callee has no exception table. So the frame
// below pretends that the callee's *caller* called it: CFA = rbp + 24, return address at CFA - 8.
//
// Signals: a handler may run between any two instructions and may itself fail a check. While a kept chunk is being
// entered or left the limit is `in_transition`: such a check links a chunk of its own and leaves the kept one alone.
//
// Source: GCC libgcc/config/i386/morestack.S for the contract; LLVM X86FrameLowering::adjustForSegmentedStacks.

#define LIMIT          %fs:0x70

#define FRAME_BYTES    120
#define IN_TRANSITION  $-2

#define STACK_READY    0
#define STACK_TOP      8
#define STACK_LINKS    16
#define STACK_MEMORY   24
#define STACK_LIMIT    48
#define STACK_CONTEXT  56
#define STACK_SIZES    88
#define SIZES_NON_SPLIT 48
#define CHUNK_OLDER    0
#define CHUNK_OWNER    8
#define CHUNK_LIMIT    16
#define CHUNK_FROM     24
#define CHUNK_MEMORY   32
#define CHUNK_KEPT     48
#define ROOM_BYTES     0xf000         // the growth room and the reserve
#define SLACK_BYTES    0x10000        // below the slot of a large stack, over its room: guard_of() in stackalloc.cpp
#define SLAB_BYTES     0x20000        // the largest memory that has no slack
#define X87            512            // in vectors_saved
#define HAS_X87        620
#define THREAD_RUNNING 0
#define THREAD_ROOT_SP 64             // root.context

        .text
        .hidden growstack_is_observed
        .hidden growstack_make_room
        .hidden growstack_leave_chunk
        .hidden growstack_allocate

// Sets rsp to the thread's root stack, below where its last resume left it. Clobbers `scratch`.
.macro  enter_root_stack scratch
        mov     growstack_thread@gottpoff(%rip), \scratch
        mov     %fs:THREAD_ROOT_SP(\scratch), %rsp
        and     $-64, %rsp
.endm

// Jumps to `foreign` unless rsp lies in the running coroutine's memory, or what may be opened below: not one page
// more, for a signal handler's alternate stack may lie there. Clobbers rax, rcx, rdx, rsi.
.macro  jump_if_foreign foreign
        mov     growstack_thread@gottpoff(%rip), %rax
        mov     %fs:THREAD_RUNNING(%rax), %rsi
        test    %rsi, %rsi
        je      \foreign
        mov     STACK_TOP(%rsi), %rcx
        add     $STACK_MEMORY, %rsi
77:     mov     (%rsi), %rax
        mov     8(%rsi), %rdx
        sub     %rax, %rdx
        neg     %rax
        add     %rsp, %rax
        cmp     %rdx, %rax
        jb      78f                     // in the memory itself, as nearly always
        mov     (%rsi), %rax
        cmp     $SLAB_BYTES, %rdx
        jbe     79f
        add     $0xffff, %rax
        and     $-0x10000, %rax
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

.macro  save_callee_saved
        mov     %rbx, -80(%rbp)
        mov     %r12, -88(%rbp)
        mov     %r13, -96(%rbp)
        mov     %r14, -104(%rbp)
        mov     %r15, -112(%rbp)
.endm

.macro  load_callee_saved
        mov     -80(%rbp), %rbx
        mov     -88(%rbp), %r12
        mov     -96(%rbp), %r13
        mov     -104(%rbp), %r14
        mov     -112(%rbp), %r15
.endm

.macro  save_arguments
        mov     %rdi, -32(%rbp)
        mov     %rsi, -40(%rbp)
        mov     %rdx, -48(%rbp)
        mov     %rcx, -56(%rbp)
        mov     %r8, -64(%rbp)
        mov     %r9, -72(%rbp)
.endm

.macro  load_arguments
        mov     -24(%rbp), %rax
        mov     -32(%rbp), %rdi
        mov     -40(%rbp), %rsi
        mov     -48(%rbp), %rdx
        mov     -56(%rbp), %rcx
        mov     -64(%rbp), %r8
        mov     -72(%rbp), %r9
.endm

// C++ signature: none; called by prologues only.
// In: r10 = frame bytes, r11 = stack argument bytes. Out: continues at return address + 1. Clobbers r10, r11.
        .globl  __morestack
        .type   __morestack, @function
        .p2align 6
__morestack:
        .cfi_startproc
        .cfi_personality 0x9b, DW.ref.__gcc_personality_v0
        .cfi_lsda 0x1b, .Lexception_table
        .cfi_def_cfa_offset 16
        push    %rbp
        .cfi_def_cfa_offset 24
        .cfi_offset %rbp, -24
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub     $FRAME_BYTES, %rsp
        mov     %rax, -24(%rbp)
        mov     LIMIT, %rax
        mov     %rax, -8(%rbp)
        movq    IN_TRANSITION, LIMIT

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
        mov     STACK_TOP(%r11), %r10
        mov     %r10, CHUNK_OLDER(%rax)
        mov     %rax, STACK_TOP(%r11)
        incq    STACK_LINKS(%r11)
        mov     %rax, -16(%rbp)
        mov     %rsp, CHUNK_FROM(%rax)
        mov     CHUNK_LIMIT(%rax), %r10
        mov     %rax, %rsp
        mov     %r10, LIMIT             // before STACK_LIMIT: a handler in between restores both from LIMIT
        mov     %r10, STACK_LIMIT(%r11)
        mov     8(%rbp), %r10
        inc     %r10
        mov     -24(%rbp), %rax
.Lfast_call:
        call    *%r10
.Lfast_call_end:

.Lreturned:
        // Live now: rax, rdx, zmm0, zmm1, st0, st1. The callee may have yielded and come back on another thread.
        mov     -16(%rbp), %r10
        mov     CHUNK_OWNER(%r10), %r11
        cmpb    $0, CHUNK_KEPT(%r10)
        je      .Lask_to_leave
        cmpb    $0, growstack_is_observed(%rip)
        jne     .Lask_to_leave
        cmpq    $0, STACK_READY(%r11)
        jne     .Lask_to_leave
        movq    IN_TRANSITION, LIMIT
        mov     %rbp, %rsp              // what lies below is in the red zone
        mov     CHUNK_OLDER(%r10), %rcx
        mov     %rcx, STACK_TOP(%r11)   // before STACK_READY: a handler may enter the kept chunk from then on
        mov     %r10, STACK_READY(%r11)
        mov     -8(%rbp), %r10
        mov     %r10, LIMIT
        mov     %r10, STACK_LIMIT(%r11)
        pop     %rbp
        .cfi_remember_state
        .cfi_def_cfa %rsp, 16
        .cfi_restore %rbp
        ret
        .cfi_restore_state

.Lask_to_leave:
        movq    $0, LIMIT
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     %rax, -24(%rbp)
        mov     %rdx, -48(%rbp)
        mov     %rsp, %rdi
        enter_root_stack %rax
        call    growstack_leave_chunk
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     -8(%rbp), %r10
        mov     %r10, LIMIT
        mov     -24(%rbp), %rax
        mov     -48(%rbp), %rdx
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_remember_state
        .cfi_def_cfa %rsp, 16
        .cfi_restore %rbp
        ret
        .cfi_restore_state

.Lask_no_arguments:
        xor     %r11d, %r11d
.Lask:
        // Slow path: is this check on the running coroutine's stack at all?
        save_arguments
        save_callee_saved
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
        load_callee_saved
.Lforeign:
        load_arguments
        mov     -8(%rbp), %r10
        mov     %r10, LIMIT
.Lgo_to_body:
        // Return address + 1, past GCC's `lea 0x18(%rbp), %r11` of variadic functions, which expects this frame to
        // stay; r11 becomes what it would have loaded. With -fcf-protection an endbr64 comes first.
        mov     8(%rbp), %r10
        inc     %r10
        cmpl    $0xfa1e0ff3, (%r10)
        jne     1f
        add     $4, %r10
1:      cmpl    $0x185d8d4c, (%r10)
        jne     2f
        add     $4, %r10
        lea     24(%rbp), %r11
2:      mov     %r10, 8(%rbp)
        mov     %rbp, %rsp
        pop     %rbp
        .cfi_remember_state
        .cfi_def_cfa %rsp, 16
        .cfi_restore %rbp
        ret
        .cfi_restore_state

.Lcall_on_chunk:
        mov     -16(%rbp), %r10
        mov     CHUNK_LIMIT(%r10), %r11
        mov     8(%rbp), %r10
        inc     %r10
        mov     %rdx, %rsp
        mov     %r11, LIMIT
        load_arguments
.Lslow_call:
        call    *%r10
.Lslow_call_end:
        jmp     .Lreturned

.Llanding_pad:
        // An exception leaves the chunk: rax is the exception, rbp this frame, rsp still on the chunk.
        movq    $0, LIMIT
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     %rax, -24(%rbp)
        mov     %rsp, %rdi
        enter_root_stack %rax
        call    growstack_leave_chunk
        lea     -FRAME_BYTES(%rbp), %rsp
        mov     -8(%rbp), %r10
        mov     %r10, LIMIT
        mov     -24(%rbp), %rdi
        call    _Unwind_Resume@PLT
        ud2

        // The other functions' calls on the root stack, in here because of this function's name: gdb takes a caller
        // whose frame lies below its callee's for a corrupt stack, unless the caller is __morestack.
.Lallocate:
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        call    growstack_allocate      // allocation(check_frame*, bytes); may throw
        jmp     .Lallocated

.Lcall_on_root_stack:
        call    *%rax
        leave
        .cfi_remember_state
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbp
        ret
        .cfi_restore_state

.Lcall_natively:
        .cfi_offset %rbx, -24
        .cfi_offset %r12, -32
        .cfi_offset %r13, -40
        .cfi_offset %r14, -48
        .cfi_offset %r15, -56
        call    *%r11
        lea     -40(%rbp), %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbx
        pop     %rbp
        .cfi_def_cfa %rsp, 8
        .cfi_restore %rbx
        .cfi_restore %r12
        .cfi_restore %r13
        .cfi_restore %r14
        .cfi_restore %r15
        .cfi_restore %rbp
        ret
        .cfi_endproc
        .size   __morestack, .-__morestack

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
        .globl  __morestack_non_split
        .type   __morestack_non_split, @function
        .p2align 4
__morestack_non_split:
        .cfi_startproc
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
        .cfi_endproc
        .size   __morestack_non_split, .-__morestack_non_split

// The entry for -mcmodel=large: r10 = stack argument bytes << 32 | frame bytes.
        .globl  __morestack_large_model
        .type   __morestack_large_model, @function
        .p2align 4
__morestack_large_model:
        .cfi_startproc
        .cfi_def_cfa_offset 16
        mov     %r10, %r11
        shr     $32, %r11
        mov     %r10d, %r10d
        jmp     __morestack
        .cfi_endproc
        .size   __morestack_large_model, .-__morestack_large_model

// void* __morestack_allocate_stack_space(size_t bytes): an alloca or a variable array that does not fit.
// An ordinary call of checked code, except that the caller's sp comes back lower: by what -16(%rbp) says. The stack may
// move meanwhile.
        .globl  __morestack_allocate_stack_space
        .type   __morestack_allocate_stack_space, @function
        .p2align 4
__morestack_allocate_stack_space:
        .cfi_startproc
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        sub     $FRAME_BYTES, %rsp
        jump_if_foreign .Lforeign_alloca
        mov     LIMIT, %rax
        mov     %rax, -8(%rbp)
        movq    $0, LIMIT
        save_callee_saved
        mov     %rdi, %rsi
        mov     %rsp, %rdi
        enter_root_stack %rax
        jmp     .Lallocate
.Lallocated:
        mov     %rax, %rsp
        lea     FRAME_BYTES(%rax), %rbp
        load_callee_saved
        mov     -8(%rbp), %r10
        mov     %r10, LIMIT
        mov     -16(%rbp), %r11
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
        .cfi_endproc
        .size   __morestack_allocate_stack_space, .-__morestack_allocate_stack_space

// void growstack_call_with_room(void* callable, void (*run)(void*), size_t frame_bytes): run(callable), called as a checked
// function whose frame of so many bytes does not fit. ..._in_memory: with an address for the result before the rest.
        .macro  call_with_room name, run, frame_bytes
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        mov     \frame_bytes, %r10
        xor     %r11d, %r11d
        call    __morestack
        ret
        jmp     *\run
        .cfi_endproc
        .size   \name, .-\name
        .endm

        call_with_room growstack_call_with_room, %rsi, %rdx
        call_with_room growstack_call_with_room_in_memory, %rdx, %rcx

// void growstack_ensure(size_t bytes): the same for a function that does nothing.
        .globl  growstack_ensure
        .type   growstack_ensure, @function
        .p2align 4
growstack_ensure:
        .cfi_startproc
        mov     %rdi, %r10
        xor     %r11d, %r11d
        call    __morestack
        ret
        ret
        .cfi_endproc
        .size   growstack_ensure, .-growstack_ensure

// void growstack_call_natively(void* callable, void (*run)(void*), size_t unused): run(callable), on the thread's root stack, below
// where its last resume left it. ..._in_memory: with an address for the result before the rest.
// All registers that may hold pointers into a stack stay on this one, under `context`, so that they are re-pointed if
// that stack moves meanwhile. The limit is restored on the other side (native_scope).
        .macro  call_natively name, run
        .globl  \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
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
        jmp     .Lcall_natively
        .cfi_endproc
        .size   \name, .-\name
        .endm

        call_natively growstack_call_natively, %rsi
        call_natively growstack_call_natively_in_memory, %rdx

// void growstack_call_on_root_stack(void (*f)(void*), void* argument): for the fault handler, whose own stack may be
// small. On the thread's root stack, below where its last resume left it.
        .globl  growstack_call_on_root_stack
        .hidden growstack_call_on_root_stack
        .type   growstack_call_on_root_stack, @function
        .p2align 4
growstack_call_on_root_stack:
        .cfi_startproc
        push    %rbp
        .cfi_def_cfa_offset 16
        .cfi_offset %rbp, -16
        mov     %rsp, %rbp
        .cfi_def_cfa_register %rbp
        enter_root_stack %rax
        mov     %rdi, %rax
        mov     %rsi, %rdi
        jmp     .Lcall_on_root_stack
        .cfi_endproc
        .size   growstack_call_on_root_stack, .-growstack_call_on_root_stack

// void growstack_call_from_context(const void* context, void (*f)(void*), void* argument): f(argument), for an unwinder in it: the
// frame below says that it was called by the code that has left an fcontext, whose layout is that of Boost 1.81
// (jump_x86_64_sysv_elf_gas.S): r12-r15, rbx, rbp and the return address, from context + 16.
        .globl  growstack_call_from_context
        .hidden growstack_call_from_context
        .type   growstack_call_from_context, @function
        .p2align 4
growstack_call_from_context:
        .cfi_startproc
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
        .cfi_endproc
        .size   growstack_call_from_context, .-growstack_call_from_context

// void growstack_first_frame(transfer_t): the first function on a coroutine's stack. Calls growstack_enter, which does
// not return. Nobody has called this one, say its CFI: unwinders and debuggers end here. (It is jumped to, over a
// return address that leads back into make_fcontext.)
        .globl  growstack_first_frame
        .hidden growstack_first_frame
        .hidden growstack_enter
        .type   growstack_first_frame, @function
        .p2align 4
growstack_first_frame:
        .cfi_startproc
        .cfi_undefined %rip
        add     $8, %rsp
        .cfi_def_cfa_offset 0
        call    growstack_enter
        ud2
        .cfi_endproc
        .size   growstack_first_frame, .-growstack_first_frame

// void growstack_save_vectors(void* to), void growstack_load_vectors(const void* from): zmm0-zmm7 as wide as the CPU
// has them, 64 bytes apart; and the x87 registers, if there is anything in them: a long double that a chunk's callee
// returns. In: rdi. Clobbers rax.
        .hidden growstack_vector_level
        .macro  for_each_vector operation, register, to_memory
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        .if     \to_memory
        \operation %\register\n, 64*\n(%rdi)
        .else
        \operation 64*\n(%rdi), %\register\n
        .endif
        .endr
        .endm

        .macro  vector_function name, to_memory
        .globl  \name
        .hidden \name
        .type   \name, @function
        .p2align 4
\name:
        .cfi_startproc
        \name\()_x87
        cmpb    $1, growstack_vector_level(%rip)
        je      1f
        ja      2f
        for_each_vector movaps, xmm, \to_memory
        ret
1:      for_each_vector vmovaps, ymm, \to_memory
        ret
2:      for_each_vector vmovaps, zmm, \to_memory
        ret
        .cfi_endproc
        .size   \name, .-\name
        .endm

        .macro  growstack_save_vectors_x87
        fxam
        fnstsw  %ax
        and     $0x4500, %eax
        cmp     $0x4100, %eax           // st0 is empty, and so are the others
        setne   HAS_X87(%rdi)
        je      3f
        fnsave  X87(%rdi)
        fldcw   X87(%rdi)               // how to round is nobody's to change
3:
        .endm

        .macro  growstack_load_vectors_x87
        cmpb    $0, HAS_X87(%rdi)
        je      3f
        frstor  X87(%rdi)
3:
        .endm

        vector_function growstack_save_vectors, 1
        vector_function growstack_load_vectors, 0

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
