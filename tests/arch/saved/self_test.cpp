// What saved_vectors.py must see, and what it must not object to: each function is what the test expects of it.
#include <cstdlib>

extern "C" {
void growstack_save_vectors(void* to) noexcept;
void growstack_load_vectors(const void* from) noexcept;

int outside(int n);
extern int (*pointer)(int);
extern char memory[4096];

// Stand-ins, for this library is complete: the check knows them by their names.
[[gnu::noinline]] void growstack_save_vectors(void*) noexcept { asm volatile(""); }
[[gnu::noinline]] void growstack_load_vectors(const void*) noexcept { asm volatile(""); }

[[gnu::noinline]] static int inside(int n) {
    asm volatile("" : "+r"(n));
    return outside(n) + 1;
}

int fault_direct(int n) { return outside(n) + n; }
int fault_last_call(int n) { return outside(n); }
int fault_pointer(int n) { return pointer(n) + n; }
int fault_deeper(int n) { return inside(n) + 1; }
void fault_of_the_compiler(int n) { // which makes a call of memset
    for (int i = 0; i < n; ++i) memory[i] = 1;
}
int fault_on_one_path(int n) {
    char kept[512];
    if (n) growstack_save_vectors(kept);
    n = outside(n) + n;
    if (n) growstack_load_vectors(kept);
    return n;
}
int fault_after_loading(int n) {
    char kept[512];
    growstack_save_vectors(kept);
    n += outside(n);
    growstack_load_vectors(kept);
    return outside(n) + n;
}
int fault_never_loads(int n) {
    char kept[512];
    growstack_save_vectors(kept);
    return outside(n) + n;
}
int fault_uses_one(int n) {
    asm volatile("pxor %%xmm0, %%xmm0" : :); // as a compiler does that may use them
    return n;
}

int fault_in_a_switch(int n) {
    switch (n) {
        case 0: return inside(n) ^ 3;
        case 1: asm volatile("nop"); return n - 7;
        case 2: return n * n * n;
        case 3: return n / 3;
        case 4: asm volatile("" : "+r"(n)); return n << 3;
        case 5: return n % 11;
        default: return n + 1;
    }
}

int fine_saves(int n) {
    char kept[512];
    growstack_save_vectors(kept);
    n = outside(n) + inside(n) + pointer(n);
    growstack_load_vectors(kept);
    return n;
}
int fine_ends(int n) {
    if (n > 5) {
        outside(n);
        std::abort();
    }
    return n;
}
int fine_calls_nobody(int n) { return n + 1; }
}
