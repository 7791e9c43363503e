// Checking the sizes, and keeping one copy of each set of them.
#include "policy/sizes.hpp"
#include "memory/escape_pool.hpp"
#include "memory/stackalloc.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/thread.hpp>
#include <growstack/detail/thread_sanitizer.hpp>
#include <growstack/errors.hpp>

#include <algorithm>
#include <compare>
#include <initializer_list>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <tuple>

namespace growstack::detail {
namespace {

// Returns the bytes of the first stack.
std::size_t first_bytes(const stack_options& options, const grow::policy& policy) noexcept {
    return grow::stackalloc_bytes(policy.reserves ? options.max_bytes : options.initial_bytes, options.layout);
}

std::size_t headroom_bytes(const stack_options& options, std::size_t stack_bytes) noexcept {
    return options.headroom_bytes ? options.headroom_bytes : std::min(default_headroom_bytes, stack_bytes / 2);
}

// A field's value, and where it must lie. In the text, # stands for the end of the range that the value is beyond.
struct rule {
    const char* field;
    std::size_t value, least, most;
    const char* text;
};

constexpr const char* too_large = "larger than the address space has room for";

// In the order of the rules: the first that is broken is told.
void check_all(std::initializer_list<rule> rules) {
    for (const rule& r : rules) {
        if (r.least <= r.value && r.value <= r.most) continue;
        std::string text = r.text;
        if (const std::size_t at = text.find('#'); at != std::string::npos)
            text.replace(at, 1, std::to_string(r.value < r.least ? r.least : r.most));
        throw std::invalid_argument("growstack: stack_options::" + std::string(r.field) + " is " +
                                    std::to_string(r.value) + ": " + text);
    }
}

// On a dense stack, code without checks has nothing but the headroom, and a stack that cannot move has to be enough for
// what growstack itself calls: the unwinder.
void check_dense(const stack_options& o, const grow::policy& policy, std::size_t stack_bytes) {
    constexpr std::size_t unwinding_bytes = least_throw_bytes + 512; // a small frame may begin below the limit, unasked
    if (grow::guard_of({0, stack_bytes}, o.layout).bytes()) return;
    if (policy.moves)
        check_all({{"max_bytes", o.max_bytes, smallest_guarded_max_bytes, SIZE_MAX,
                    "a dense stack must be able to grow to #, where it gets a guard"}});
    else
        check_all({{"headroom_bytes", headroom_bytes(o, stack_bytes), unwinding_bytes, SIZE_MAX,
                    "a dense stack that does not move needs #"}});
}

void check_growth(const stack_options& o, std::size_t stack_bytes) {
    check_all({
        {"max_bytes", o.max_bytes, 0, absurd_bytes, too_large},
        {"max_bytes", o.max_bytes, stack_bytes, SIZE_MAX,
         "must not be less than initial_bytes, rounded up to a power of two"},
        {"chunk_bytes", o.chunk_bytes, 1, SIZE_MAX, "a chunk needs memory"},
        {"chunk_bytes", o.chunk_bytes, 0, o.max_bytes, "must not be more than max_bytes"},
    });
}

void check_sizes(const stack_options& o, const grow::policy& policy) {
    const bool is_dense = o.layout == stack_layout::dense;
    const std::size_t stack_bytes = first_bytes(o, policy);
    const std::size_t least_headroom = is_dense ? smallest_dense_headroom_bytes : smallest_headroom_bytes;
    if (policy.reserves)
        check_all({{"max_bytes", o.max_bytes, 1, absurd_bytes, "a reserved stack needs so much address space"}});
    check_all({
        {"initial_bytes", o.initial_bytes, 1, SIZE_MAX, "a stack needs memory"},
        {"initial_bytes", o.initial_bytes, 0, absurd_bytes, too_large},
        {"headroom_bytes", o.headroom_bytes, o.headroom_bytes ? least_headroom : 0, SIZE_MAX,
         "must be at least #, or 0 for the default"},
        {"headroom_bytes", o.headroom_bytes, 0, stack_bytes - 1, "must be less than the stack, or no frame fits"},
        {"room_bytes", o.room_bytes, 0, largest_room_bytes, "must be at most #"},
        {"escape_bytes", o.escape_bytes, 1, SIZE_MAX, "escaping variables need memory"},
        {"escape_bytes", o.escape_bytes, 0, absurd_bytes, too_large},
        {"non_split_bytes", o.non_split_bytes, 0, absurd_bytes, too_large},
    });
    check_dense(o, policy, stack_bytes);
    if (policy.grows()) check_growth(o, stack_bytes);
}

// What the sizes follow from, and they.
struct configuration {
    const grow::policy* policy;
    stack_options options;
    unsigned stress_bits;
    grow::stack_sizes sizes{};

    auto key() const noexcept { return std::tie(policy, options, stress_bits); }
    friend bool operator<(const configuration& a, const configuration& b) noexcept { return a.key() < b.key(); }
};

// AddressSanitizer makes frames larger, and calls its runtime, which has no checks, from everywhere. Where chunks are
// linked instead of moving, nothing makes room for the unwinder. A former stack without access takes whole pages.
stack_options without_dense(stack_options options) noexcept {
    options.layout = stack_layout::guarded;
    options.headroom_bytes = std::max(options.headroom_bytes, default_headroom_bytes);
    options.initial_bytes = std::max(options.initial_bytes, 2 * default_headroom_bytes);
    return options;
}

grow::stack_sizes computed(const grow::policy& policy, const stack_options& wanted) {
    check_sizes(wanted, policy);
    const stress_modes modes = stress();
    const bool is_hard = grow::is_under_address_sanitizer() || grow::has_thread_sanitizer_runtime() || modes.link ||
                         modes.fault;
    const bool is_guarded_instead = wanted.layout == stack_layout::dense && is_hard;
    const stack_options options = is_guarded_instead ? without_dense(wanted) : wanted;
    const std::size_t bytes = first_bytes(options, policy);
    return {.policy = &policy,
            .headroom_bytes = headroom_bytes(options, bytes),
            .initial_bytes = bytes,
            .max_bytes = policy.grows() ? options.max_bytes : bytes + options.room_bytes,
            .chunk_bytes = grow::stackalloc_bytes(options.chunk_bytes),
            .room_bytes = options.room_bytes,
            .non_split_bytes = options.non_split_bytes,
            .escape_bytes = grow::escape_piece_bytes(options.escape_bytes),
            .keep_chunk = policy.links && options.release == chunk_release::keep_one && !modes.link,
            .move_at_guard = options.move_at_guard,
            .shrink_on_yield = policy.moves && options.shrink_on_yield,
            .state = static_cast<unsigned short>((policy.moves && modes.move) * grow::moves_always +
                                                 (policy.grows() && modes.link) * grow::links_always),
            .layout = options.layout};
}

const grow::stack_sizes& shared(const configuration& wanted) {
    // Never destroyed: static objects' destructors may create coroutines.
    static std::mutex mutex;
    alignas(std::set<configuration>) static std::byte memory[sizeof(std::set<configuration>)];
    static auto& all = *::new (memory) std::set<configuration>;

    const grow::checks_off quiet;
    const std::lock_guard lock{mutex};
    auto found = all.find(wanted);
    if (found == all.end()) {
        configuration computed_now = wanted;
        computed_now.sizes = computed(*wanted.policy, wanted.options);
        found = all.insert(computed_now).first;
    }
    return found->sizes;
}

} // namespace

constinit thread_local last_sizes last_used[grow::cache_rows] = {};

const grow::stack_sizes& sizes_for(const grow::policy& policy, const stack_options& options, bool is_default) {
    const unsigned bits = grow::stress_bits.load(std::memory_order_relaxed);
    const grow::stack_sizes& sizes = shared({&policy, options, bits});
    last_sizes& last = last_used[policy.cache_row];
    if (last.stress_bits != bits || last.policy != &policy) last = {};
    last.policy = &policy;
    last.stress_bits = bits;
    if (is_default) {
        last.sizes_by_default = &sizes;
    } else {
        last.sizes = &sizes;
        last.options = options;
    }
    return sizes;
}

} // namespace growstack::detail
