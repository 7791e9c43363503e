// void test_destroy_vectors(): what a function may do to registers that it need not keep, as hard as it can: the vector
// registers at their full width, the mask registers, those of x87. Keeps all others but r11, and flags.
        .text
        .globl  test_destroy_vectors
        .type   test_destroy_vectors, @function
        .p2align 4
        .hidden growstack_vector_level  // 0: xmm, 1: ymm, 2: zmm
test_destroy_vectors:
        .cfi_startproc
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        pcmpeqd %mm\n, %mm\n            // in x87's registers: not a number
        .endr
        emms                            // and all of them are empty
        cmpb    $1, growstack_vector_level(%rip)
        je      1f
        ja      2f
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        pcmpeqd %xmm\n, %xmm\n
        .endr
        ret
1:      .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vcmptrueps %ymm\n, %ymm\n, %ymm\n
        .endr
        ret
2:      .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
        vpternlogd $0xff, %zmm\n, %zmm\n, %zmm\n
        .endr
        .irp    n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
        vpternlogd $0xff, %zmm\n, %zmm\n, %zmm\n
        .endr
        .irp    n, 0, 1, 2, 3, 4, 5, 6, 7
        kxnorw  %k\n, %k\n, %k\n
        .endr
        ret
        .cfi_endproc
        .size   test_destroy_vectors, .-test_destroy_vectors

        .section .note.GNU-stack,"",@progbits
        .section .note.GNU-split-stack,"",@progbits
        .section .note.GNU-no-split-stack,"",@progbits
