// Where the threads' escape pointer lies: the word of Clang's SafeStack, which the program has if it was linked with
// -fsanitize=safe-stack. Source: LLVM compiler-rt/lib/safestack/safestack.cpp.
#include <growstack/detail/arch.hpp>

extern "C" {

[[gnu::weak]] void* __get_unsafe_stack_ptr(); // tells if the word is there: the address of a missing one is no null
[[gnu::weak, gnu::tls_model("initial-exec")]] extern thread_local void* __safestack_unsafe_stack_ptr;

constinit std::ptrdiff_t growstack_escape_offset = 0;
}

namespace growstack::detail {
namespace {

// Before static objects, which may create coroutines.
[[gnu::constructor(101)]] void find_escape_pointer() noexcept {
    if (__get_unsafe_stack_ptr)
        growstack_escape_offset = reinterpret_cast<char*>(&__safestack_unsafe_stack_ptr) -
                                  static_cast<char*>(__builtin_thread_pointer());
}

} // namespace
} // namespace growstack::detail
