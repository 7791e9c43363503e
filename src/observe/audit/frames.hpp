// The frames of a stack that is about to be given up: which function's frame does an address lie in?
#pragma once

#include <growstack/detail/bounds.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace growstack::audit {

/// A function's activation, or several of the same call, one within the other.
struct frame {
    std::uintptr_t code; // where it stands
    std::uintptr_t lo;   // the low end of the innermost; the next frame's is their high end
    std::size_t count = 1;
};

class frames {
public:
    /// Walks the calling thread's frames, from the first one on that lies in `where` if there is one, else from the
    /// caller's.
    void walk(grow::bounds where) noexcept;

    /// Walks those of a coroutine that does not run, given its context, which lies in `where`.
    void walk_suspended(const void* context, grow::bounds where) noexcept;

    /// Returns the frame that the address lies in; null: none is known.
    const frame* find(std::uintptr_t address) const noexcept;

    /// Returns the address's distance from the low end of its activation. Those of one recursion are taken to be of one
    /// size.
    std::size_t offset_in(const frame& f, std::uintptr_t address) const noexcept;

    std::size_t count() const noexcept { return count_; }
    const frame& operator[](std::size_t i) const noexcept { return all_[i]; }

    void note(const frame& f) noexcept {
        if (count_ && all_[count_ - 1].code == f.code) ++all_[count_ - 1].count;
        else if (count_ < all_.size()) all_[count_++] = f;
    }

private:
    std::array<frame, 256> all_{};
    std::size_t count_ = 0;
};

} // namespace growstack::audit
