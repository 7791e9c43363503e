// pin: while it lives, the stack of the coroutine that made it does not move.
#pragma once

#include <growstack/detail/thread.hpp>

namespace growstack {

/// For a function that gives addresses of its locals away: to the heap, to globals, to another thread, to the kernel.
///
///     growstack::pin pin;
///     std::map<int, int> local;      // its nodes point back into it
///
/// Meanwhile checks link a chunk where a contiguous stack would move; it goes when the frames in it return. Pins nest,
/// and hold over a yield. Code without checks has the growth room below the innermost piece, and beyond that ends in a
/// message. No effect on stacks that do not move, and outside coroutines. Costs an increment and a decrement. To be
/// destroyed in the coroutine that made it, or while that does not run.
class pin {
public:
    [[gnu::always_inline]] pin() noexcept : stack_{grow::this_thread().running} {
        if (stack_) ++stack_->pins;
    }
    [[gnu::always_inline]] ~pin() {
        if (stack_) --stack_->pins;
    }
    pin(const pin&) = delete;
    pin& operator=(const pin&) = delete;

private:
    grow::stack* stack_; // in the heap, or the thread's: it stays where it is
};

} // namespace growstack
