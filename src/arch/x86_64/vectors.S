// Saving the vector registers that can carry arguments, zmm0-zmm7, as wide as the CPU has them, 64 bytes apart:
// void growstack_save_vectors(void* to), void growstack_load_vectors(const void* from). In: rdi. Clobbers rax. And the
// x87 registers, if there is anything in them: a long double that a chunk's callee returns.

#include "arch/x86_64/macros.inc"

        .text
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
        .hidden \name
        function \name
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
        end_function \name
        .endm

        .macro  growstack_save_vectors_x87
        fxam
        fnstsw  %ax
        and     $0x4500, %eax
        cmp     $0x4100, %eax           // st0 is empty, and so are the others
        setne   SAVED_HAS_X87(%rdi)
        je      3f
        fnsave  SAVED_X87(%rdi)
        fldcw   SAVED_X87(%rdi)         // how to round is nobody's to change
3:
        .endm

        .macro  growstack_load_vectors_x87
        cmpb    $0, SAVED_HAS_X87(%rdi)
        je      3f
        frstor  SAVED_X87(%rdi)
3:
        .endm

        vector_function growstack_save_vectors, 1
        vector_function growstack_load_vectors, 0

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
