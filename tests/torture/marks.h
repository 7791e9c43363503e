// Marks where the variables of an object file begin: data_CONFIG and bss_CONFIG, up to the next object's.
#define GROWSTACK_TEXT_(x) #x
#define GROWSTACK_TEXT(x) GROWSTACK_TEXT_(x)
#define GROWSTACK_MARK(name) ".globl " name "\n.balign 16\n" name ": .skip 16\n"
// clang-format off
__asm__(".data\n" GROWSTACK_MARK("data_" GROWSTACK_TEXT(CONFIG))
        ".bss\n" GROWSTACK_MARK("bss_" GROWSTACK_TEXT(CONFIG)) ".text\n");
// clang-format on
