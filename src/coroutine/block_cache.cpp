// Making blocks, and using them again.
#include "coroutine/block_cache.hpp"
#include "memory/stack_cache.hpp"
#include "policy/sizes.hpp"
#include "stack/escape.hpp"
#include "stack/family.hpp"
#include "stack/release.hpp"
#include "stack/root_stack.hpp"
#include "system/guard.hpp"
#include "system/thread_part.hpp"

#include <growstack/heap/resource.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace growstack::detail {
namespace {

using grow::stack;

constexpr std::size_t size_classes = largest_cached_block_bytes / block_step_bytes + 1;
constexpr std::size_t most_listed = 64;                             // in each list
constexpr std::ptrdiff_t most_kept_bytes = std::ptrdiff_t{1} << 20; // of stacks that a thread's dead coroutines keep
constexpr std::size_t largest_kept_bytes = std::size_t{128} << 10;

// Linked through `value`.
class block_list {
public:
    std::size_t count() const noexcept { return count_; }

    void push(control_block& block) noexcept {
        block.value = first_;
        first_ = &block;
        ++count_;
    }

    control_block* pop() noexcept {
        control_block* const block = first_;
        first_ = static_cast<control_block*>(block->value);
        --count_;
        return block;
    }

    /// Null if the first one has other sizes.
    control_block* pop(const grow::stack_sizes& sizes) noexcept {
        return first_ && first_->stack.sizes == &sizes ? pop() : nullptr;
    }

private:
    control_block* first_ = nullptr;
    std::size_t count_ = 0;
};

struct block_cache {
    block_list lists[size_classes][grow::cache_rows];
    bool is_ready = false; // its blocks go back when the thread ends
    bool has_ended = false;

    void begin() noexcept { grow::prepare_thread_cache(); } // which ends later: the blocks' stacks go there
    void end() noexcept { free_kept_blocks(); }
};

[[gnu::tls_model("initial-exec")]] constinit thread_local block_cache cache;

block_list& list_of(const block_type& type, const grow::policy& policy) noexcept {
    return cache.lists[type.size_class][policy.cache_row];
}

void count_kept(std::ptrdiff_t bytes) noexcept {
    if (grow::cache.is_ready) [[likely]]
        grow::cache.count_kept(bytes);
    else grow::count_freed(bytes);
}

std::ptrdiff_t stack_bytes(const control_block& block) noexcept {
    return static_cast<std::ptrdiff_t>(block.stack.memory.bytes());
}

void free_block(control_block& block) noexcept {
    const block_type& type = *block.type;
    if (block.stack.memory.hi) {
        const grow::checks_off quiet;
        grow::check_mark(block.stack);
        grow::release_escape(block.stack);
        block.stack.books().mark = 0;
        count_kept(-stack_bytes(block));
        grow::stackfree(block.stack.memory, block.stack.sizes->layout);
    }
    std::destroy_at(&block);
    heap::deallocate(&block, type.bytes, type.alignment);
}

void set_type(control_block& block, const block_type& type) noexcept {
    const auto lo = reinterpret_cast<std::uintptr_t>(&block);
    block.type = &type;
    block.stack.books().attached = {lo + offsetof(control_block, value), lo + type.bytes};
}

// A dead block that has kept its stack becomes a new one. Its context stands where the body ended, in a loop around
// bodies, with no exception caught. What else a stack has is as it was at the beginning: see keep_stack.
void begin_again(control_block& block, const block_type& type) noexcept {
    grow::cache.count_kept(-stack_bytes(block));
    block.stack.resumer = nullptr;
    block.stack.escape_pointer = block.stack.books().escape_hi;
    block.stack.state = block.stack.sizes->state;
    block.books().value_type = nullptr;
    set_type(block, type);
}

[[gnu::noinline]] control_block* allocate(const block_type& type, const grow::stack_sizes& sizes) {
    const grow::checks_off quiet;
    const grow::bounds memory = grow::stackalloc(sizes.initial_bytes, sizes.layout);
    if (!memory.hi) throw no_stack_memory(grow::no_memory_advice());
    void* const place = heap::allocate(type.bytes, type.alignment);
    if (!place) {
        grow::stackfree(memory, sizes.layout);
        throw std::bad_alloc{};
    }
    auto* const block = ::new (place) control_block;
    stack& self = block->stack;
    self.sizes = &sizes;
    self.memory = memory;
    std::construct_at(&self.books());
    std::construct_at(&block->books());
    self.books().self = &self;
    self.count_bytes(memory.bytes(), 0);
    self.state = sizes.state;
    self.update_limit();
    self.context = first_context(*block);
    set_type(*block, type);
    if (grow::begin_escape(self)) return block;
    free_block(*block);
    throw no_stack_memory("the system gives no memory, or no mapping, for an escape stack");
}

// Leaves a dead coroutine its stack if that is as at the beginning, and the thread's dead coroutines have not too much
// memory. It then counts as cached. Returns whether it did.
bool keep_stack(stack& self) noexcept {
    const std::size_t bytes = self.sizes->initial_bytes;
    const bool is_wanted = reinterpret_cast<const control_block&>(self).type->is_cached &&
                           bytes <= largest_kept_bytes && grow::is_free_simple() &&
                           grow::cache.kept_bytes.load(std::memory_order_relaxed) < most_kept_bytes;
    if (!self.is_as_new() || !is_wanted) return false;
    grow::cache.count_kept(static_cast<std::ptrdiff_t>(bytes));
    return true;
}

// The rare cases are functions of their own, so that the usual ones need no frame.

[[gnu::noinline]] control_block* new_block_slowly(const block_type& type, const grow::policy& policy,
                                                  const stack_options& options, bool is_default) {
    control_block* block = nullptr;
    grow::with_room_to_throw([&] { block = allocate(type, sizes_for(policy, options, is_default)); });
    grow::leave_spare();
    return block;
}

[[gnu::noinline]] void delete_slowly(control_block& block) noexcept {
    grow::with_room([&block] {
        if (block.stack.memory.hi && grow::prepare_part(cache)) {
            block_list& list = list_of(*block.type, *block.stack.policy());
            if (list.count() < most_listed) return list.push(block);
        }
        free_block(block);
    });
    grow::leave_spare();
}

[[gnu::noinline]] void throw_failure(std::exception_ptr failure) {
    grow::ensure_room_to_throw();
    std::rethrow_exception(std::move(failure));
}

[[gnu::noinline]] void finish_slowly(control_block& block, const stack& resumer) {
    std::exception_ptr failure = std::exchange(block.books().failure, nullptr);
    write_limit(resumer.limit);
    destroy_body(block);       // it may point into its creator's stack, so it goes before its family is left
    grow::with_room([&block] { // no check may fail meanwhile: nothing may interrupt stackfree
        grow::leave_family(block.stack);
        if (!keep_stack(block.stack)) grow::release_stack(block.stack);
    });
    grow::leave_spare();
    if (failure) throw_failure(std::move(failure));
}

} // namespace

void free_kept_blocks() noexcept {
    for (auto& of_size : cache.lists)
        for (block_list& list : of_size)
            while (list.count()) free_block(*list.pop());
}

void destroy_body(control_block& block) noexcept {
    const bool is_there = block.stack.has(grow::has_body);
    block.stack.remove(grow::has_body);
    if (is_there && block.type->destroy_body) block.type->destroy_body(block);
    if (grow::is_auditing()) [[unlikely]]
        std::memset(static_cast<void*>(&block + 1), 0, block.type->bytes - sizeof block);
}

control_block* new_block(const block_type& type, const grow::policy& policy, const stack_options& options,
                         bool is_default) {
    const grow::stack_sizes* const sizes = known_sizes(policy, options, is_default);
    control_block* const block = sizes && type.is_cached ? list_of(type, policy).pop(*sizes) : nullptr;
    if (!block) [[unlikely]]
        return new_block_slowly(type, policy, options, is_default);
    begin_again(*block, type);
    return block;
}

void delete_block(control_block& block) noexcept {
    const bool is_simple = block.stack.memory.hi && cache.is_ready &&
                           list_of(*block.type, *block.stack.policy()).count() < most_listed;
    if (!is_simple) [[unlikely]]
        return delete_slowly(block);
    list_of(*block.type, *block.stack.policy()).push(block);
}

void finish(control_block& block, stack& resumer) {
    if (block.type->destroy_body || !keep_stack(block.stack)) [[unlikely]]
        return finish_slowly(block, resumer);
    write_limit(resumer.limit);
    if (block.books().failure) [[unlikely]]
        throw_failure(std::exchange(block.books().failure, nullptr));
}

} // namespace growstack::detail
