// Checking the sizes, and keeping one copy of each set of them.
#include "policy/sizes.hpp"
#include "base/modes.hpp"

#include <growstack/detail/address_sanitizer.hpp>
#include <growstack/detail/thread.hpp>
#include <growstack/detail/thread_sanitizer.hpp>
#include <growstack/errors.hpp>
#include "memory/stackalloc.hpp"

#include <algorithm>
#include <compare>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <tuple>

namespace growstack::detail {
namespace {

[[noreturn]] void throw_bad_size(const char* field, std::size_t bytes, const char* rule) {
    throw std::invalid_argument("growstack: stack_options::" + std::string(field) + " is " + std::to_string(bytes) +
                                ": " + rule);
}

// A reserved stack has all its address space at once.
std::size_t first_bytes(const stack_options& options, const grow::policy& policy) noexcept {
    return grow::stackalloc_bytes(&policy == &grow::reserved_policy ? options.max_bytes : options.initial_bytes,
                                  options.layout);
}

std::size_t headroom_bytes(const stack_options& options, std::size_t stack_bytes) noexcept {
    return options.headroom_bytes ? options.headroom_bytes : std::min(default_headroom_bytes, stack_bytes / 2);
}

// On a dense stack, code without checks has nothing but the headroom, and a stack that cannot move has to be enough for
// what growstack itself calls: the unwinder.
void check_dense(const stack_options& options, const grow::policy& policy, std::size_t stack_bytes) {
    constexpr std::size_t unwinding_bytes = least_throw_bytes + 512; // a small frame may begin below the limit, unasked
    const grow::bounds small{0, stack_bytes};
    if (grow::guard_of(small, options.layout).bytes()) return;
    if (&policy != &grow::contiguous_policy && headroom_bytes(options, stack_bytes) < unwinding_bytes)
        throw_bad_size("headroom_bytes", headroom_bytes(options, stack_bytes),
                       "a dense stack that does not move needs 6144");
    if (&policy == &grow::contiguous_policy && options.max_bytes < detail::smallest_guarded_max_bytes)
        throw_bad_size("max_bytes", options.max_bytes,
                       "a dense stack must be able to grow to 32768, where it gets a guard");
}

void check_sizes(const stack_options& options, const grow::policy& policy) {
    if (&policy == &grow::reserved_policy && (!options.max_bytes || options.max_bytes > absurd_bytes))
        throw_bad_size("max_bytes", options.max_bytes, "a reserved stack needs so much address space");
    if (!options.initial_bytes) throw_bad_size("initial_bytes", 0, "a stack needs memory");
    if (options.initial_bytes > absurd_bytes)
        throw_bad_size("initial_bytes", options.initial_bytes, "larger than the address space has room for");
    const bool is_dense = options.layout == stack_layout::dense;
    if (options.headroom_bytes &&
        options.headroom_bytes < (is_dense ? smallest_dense_headroom_bytes : smallest_headroom_bytes))
        throw_bad_size(
            "headroom_bytes", options.headroom_bytes,
            is_dense ? "must be at least 512, or 0 for the default" : "must be at least 1024, or 0 for the default");
    if (options.headroom_bytes >= first_bytes(options, policy))
        throw_bad_size("headroom_bytes", options.headroom_bytes, "must be less than the stack, or no frame fits");
    if (options.room_bytes > largest_room_bytes)
        throw_bad_size("room_bytes", options.room_bytes, "must be at most 45056");
    if (options.non_split_bytes > absurd_bytes)
        throw_bad_size("non_split_bytes", options.non_split_bytes, "larger than the address space has room for");
    check_dense(options, policy, first_bytes(options, policy));
    if (&policy == &grow::fixed_policy || &policy == &grow::reserved_policy) return;
    if (options.max_bytes > absurd_bytes)
        throw_bad_size("max_bytes", options.max_bytes, "larger than the address space has room for");
    if (options.max_bytes < first_bytes(options, policy))
        throw_bad_size("max_bytes", options.max_bytes,
                       "must not be less than initial_bytes, rounded up to a power of two");
    if (!options.chunk_bytes) throw_bad_size("chunk_bytes", 0, "a chunk needs memory");
    if (options.chunk_bytes > options.max_bytes)
        throw_bad_size("chunk_bytes", options.chunk_bytes, "must not be more than max_bytes");
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
    const bool is_hard = grow::is_sanitized() || grow::has_fibers() || modes.link || modes.fault;
    const bool is_guarded_instead = wanted.layout == stack_layout::dense && is_hard;
    const stack_options options = is_guarded_instead ? without_dense(wanted) : wanted;
    const bool is_contiguous = &policy == &grow::contiguous_policy;
    const bool is_segmented = &policy == &grow::segmented_policy;
    const std::size_t bytes = first_bytes(options, policy);
    return {.kind = &policy,
            .headroom_bytes = headroom_bytes(options, bytes),
            .initial_bytes = bytes,
            .max_bytes = is_contiguous || is_segmented ? options.max_bytes : bytes + options.room_bytes,
            .chunk_bytes = grow::stackalloc_bytes(options.chunk_bytes),
            .room_bytes = options.room_bytes,
            .non_split_bytes = options.non_split_bytes,
            .keep_chunk = is_segmented && options.release == chunk_release::keep_one && !modes.link,
            .move_at_guard = options.move_at_guard,
            .check_reasons = static_cast<unsigned char>((is_contiguous && modes.move) * grow::moves_always +
                                                        ((is_contiguous || is_segmented) && modes.link) *
                                                            grow::links_always),
            .shrink_on_yield = is_contiguous && options.shrink_on_yield,
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

constinit thread_local last_sizes last_used[grow::policy_count] = {};

const grow::stack_sizes& sizes_for(const grow::policy& policy, const stack_options& options, bool is_default) {
    const unsigned bits = grow::stress_bits.load(std::memory_order_relaxed);
    const grow::stack_sizes& sizes = shared({&policy, options, bits});
    last_sizes& last = last_used[policy.index];
    if (last.stress_bits != bits) last = {};
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
