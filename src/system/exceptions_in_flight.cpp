// Looks for exceptions: treats every aligned word as a possible pointer to one, and reads there through the kernel,
// because it may point anywhere.
#include "system/exceptions_in_flight.hpp"
#include "base/read_memory.hpp"

#include <algorithm>
#include <array>

namespace growstack::grow {
namespace {

// _Unwind_Exception.
struct exception_head {
    std::uint64_t exception_class;
    void* cleanup;
    std::uintptr_t private_1;
    std::uintptr_t handler; // private_2; 0 or old until the first phase has found one

    // "GNUCC++" and 0, or 1 for one that shares its object.
    bool is_cxx() const noexcept { return (exception_class | 1) == 0x474e5543432b2b01; }
};
static_assert(sizeof(exception_head) == 32);

// Calls visit(exception_head&) for each exception, perhaps more than once.
template <class Visit>
class exception_search {
public:
    exception_search(bounds live, Visit visit) noexcept : live_{live}, visit_{visit} {}

    void run(const interrupted_code& code) noexcept {
        code.for_each_register([this](std::uintptr_t word) { add(word); });
        for (std::uintptr_t at = live_.lo; at < live_.hi; at += sizeof(std::uintptr_t))
            add(*reinterpret_cast<const std::uintptr_t*>(at));
        visit_gathered();
    }

private:
    static constexpr std::size_t most = 32; // in one system call

    void add(std::uintptr_t word) noexcept {
        if (word % 16 || word < 65536 || word >> detail::address_bits || live_.contains(word)) return;
        from_[count_++] = {reinterpret_cast<void*>(word), sizeof(exception_head)};
        if (count_ == most) visit_gathered();
    }

    // One that cannot be read ends the system call; the next call begins behind it.
    void visit_gathered() noexcept {
        for (std::size_t first = 0; first < count_; ++first) first = visit_from(first);
        count_ = 0;
    }

    // Returns the first that cannot be read.
    std::size_t visit_from(std::size_t first) noexcept {
        exception_head heads[most];
        const std::size_t bytes = detail::read_memory({&from_[first], count_ - first}, heads);
        const std::size_t end = first + bytes / sizeof heads[0];
        for (std::size_t i = first; i < end; ++i)
            if (heads[i - first].is_cxx()) visit_(*static_cast<exception_head*>(from_[i].iov_base));
        return end;
    }

    bounds live_;
    Visit visit_;
    iovec from_[most];
    std::size_t count_ = 0;
};

} // namespace

bool can_find_handler_addresses(bounds live, const interrupted_code& code) noexcept {
    std::array<const exception_head*, 64> found;
    std::size_t count = 0;
    exception_search{live,
                     [&](exception_head& e) {
                         auto* const end = found.begin() + count;
                         if (count < found.size() && std::find(found.begin(), end, &e) == end) found[count++] = &e;
                     }}
        .run(code);
    return count >= this_thread().exceptions->in_flight;
}

void adjust_handler_addresses(bounds live, const interrupted_code& code, const displacement& moved) noexcept {
    exception_search{live, [&](exception_head& e) { e.handler = moved.apply(e.handler); }}.run(code);
}

} // namespace growstack::grow
