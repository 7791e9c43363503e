// Searching after a move, telling each finding once.
#include "coroutine/block_cache.hpp"
#include "heap/process_heap.hpp"
#include "memory/find_stack.hpp"
#include "memory/stack_pool.hpp"
#include "observe/audit/malloc_block.hpp"
#include "observe/audit/report.hpp"
#include "sanitizer/valgrind.hpp"
#include "stack/escape.hpp"
#include "stack/family.hpp"
#include "stack/pieces.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <mutex>

namespace growstack {
namespace audit {
namespace {

// All that one audit knows: in one place, which the search leaves out, for copies of what it finds lie here.
struct auditor {
    const grow::stack_move* move = nullptr;
    const mapping* searched = nullptr;      // or
    const grow::stack* coroutine = nullptr; // whose frames are searched
    bounds nothing;                         // in that mapping, as it has turned out
    frames of_moved;                        // into which words point
    frames of_mover;                        // that asked for the move
    std::array<finding, 64> found{};
    std::size_t found_count = 0, more = 0;
    std::array<std::uintptr_t, 1024> told{}; // what has been reported, by its key; a ring
    std::size_t told_count = 0, moves = 0;

    bool contains(std::uintptr_t address) const noexcept {
        return address - reinterpret_cast<std::uintptr_t>(this) < sizeof *this;
    }
};

constinit auditor the_auditor{};
constinit std::mutex mutex;

bool is_in_same_object(const finding& a, const finding& b) noexcept {
    return a.where.kind == b.where.kind && a.where.object.lo == b.where.object.lo;
}

void note(const place& where, std::uintptr_t address, std::uintptr_t word) noexcept {
    auditor& a = the_auditor;
    const finding found{where, address, word, 1, a.coroutine};
    for (std::size_t i = 0; i < a.found_count; ++i)
        if (is_in_same_object(a.found[i], found)) return void(++a.found[i].words);
    if (a.found_count == a.found.size()) return void(++a.more);
    a.found[a.found_count++] = found;
}

void note_in_mapping(std::uintptr_t address, std::uintptr_t word, void*) noexcept {
    auditor& a = the_auditor;
    if (a.contains(address) || a.nothing.contains(address)) return;
    finding* const last = a.found_count ? &a.found[a.found_count - 1] : nullptr;
    if (last && last->where.kind == audit_finding::heap_block && last->where.object.contains(address))
        return void(++last->words);
    const answer said = place_of(address, *a.searched, a.move->self, a.nothing, !a.move->live.is_at_fault);
    if (said.nothing.hi) a.nothing = said.nothing;
    if (said.found) note(*said.found, address, word);
}

// Larger mappings are sanitizers' shadows, which hold no pointers.
constexpr std::size_t largest_searched_bytes = std::size_t{64} << 30;

void search_mapping(const mapping& m, void*) noexcept {
    if (m.memory.bytes() > largest_searched_bytes || is_for_stacks(m)) return;
    the_auditor.searched = &m;
    the_auditor.nothing = {};
    search(m.memory, the_auditor.move->left_frames(), note_in_mapping, nullptr);
}

void note_on_stack(std::uintptr_t address, std::uintptr_t word, void* innermost) noexcept {
    const auto sp = reinterpret_cast<std::uintptr_t>(innermost);
    note({audit_finding::coroutine_stack, {sp, sp}}, address, word);
}

// Of its dead part, below the escape pointer, nothing: functions that have returned left it.
void note_on_escape_stack(std::uintptr_t address, std::uintptr_t word, void* in_use) noexcept {
    const std::uintptr_t lo = static_cast<const bounds*>(in_use)->lo;
    note({audit_finding::coroutine_escape_stack, {lo, lo}}, address, word);
}

void search_escape_stack(bounds in_use, void*) noexcept {
    search(in_use, the_auditor.move->left_frames(), note_on_escape_stack, &in_use);
}

// The live frames of a coroutine that does not run, or waits for one that does, on this thread.
void search_frames(grow::stack& s) noexcept {
    the_auditor.coroutine = &s;
    grow::for_each_piece(s, [&s](const grow::piece&, grow::bounds frames) {
        search(frames, the_auditor.move->left_frames(), note_on_stack, s.context);
    });
    grow::visit_escape(s, search_escape_stack, nullptr);
    the_auditor.coroutine = nullptr;
}

void search_coroutines() noexcept {
    grow::shared_pool().for_each_used_slot([](grow::stack_class c, std::uintptr_t slot_hi) noexcept {
        grow::stack* const s = grow::stack_in_slot(c, slot_hi);
        const bool is_waiting = s && s != &the_auditor.move->self && s->has(grow::has_started) && !s->is_dead() &&
                                grow::is_at_rest(*s);
        if (is_waiting) search_frames(*s);
    });
}

void walk_frames(const grow::stack_move& m) noexcept {
    the_auditor.of_mover.walk(m.moved.from);
    if (m.live.code) the_auditor.of_moved = the_auditor.of_mover;
    else the_auditor.of_moved.walk_suspended(reinterpret_cast<const void*>(m.live.lo), m.old);
}

// The same object, with a pointer into the same function's frame.
bool is_told(const finding& f, const frame* into) noexcept {
    auditor& a = the_auditor;
    const std::uintptr_t key = (f.where.object.lo * 31 + f.where.kind) * 31 + (into ? function_at(into->code) : 0);
    for (const std::uintptr_t known : a.told)
        if (known == key) return true;
    a.told[a.told_count++ % a.told.size()] = key;
    return false;
}

// Words of the same variable are one finding.
void join_variables() noexcept {
    auditor& a = the_auditor;
    for (std::size_t i = 0; i < a.found_count; ++i)
        if (a.found[i].where.kind == audit_finding::global) a.found[i].where.object = variable_at(a.found[i].address);
    finding* last = a.found.data() + a.found_count;
    for (finding* f = a.found.data(); f != last; ++f) {
        const auto is_same = [f](const finding& other) { return is_in_same_object(*f, other); };
        f->words += static_cast<std::size_t>(std::count_if(f + 1, last, is_same));
        last = std::remove_if(f + 1, last, is_same);
    }
    a.found_count = static_cast<std::size_t>(last - a.found.data());
}

void tell_all(const grow::stack_move& m) noexcept {
    join_variables();
    for (std::size_t i = 0; i < the_auditor.found_count; ++i) {
        const finding& f = the_auditor.found[i];
        const frame* const into = the_auditor.of_moved.find(f.word);
        if (!is_told(f, into)) report(f, m, the_auditor.of_moved, the_auditor.of_mover);
    }
    if (the_auditor.more) report_more(the_auditor.more);
}

// Searches, and tells what it finds. Everything has been re-pointed by now. Runs on the thread's root stack, or another
// one with room; takes the pool's lock and one of its own.
void audit(const grow::growth_step& step) noexcept {
    if (step.kind != trace_event::adjust) return;
    const std::lock_guard lock{mutex};
    the_auditor.move = step.move;
    the_auditor.found_count = the_auditor.more = 0;
    ++the_auditor.moves;
    for_each_mapping(search_mapping, nullptr);
    search_coroutines();
    if (!the_auditor.found_count) return;
    walk_frames(*step.move);
    tell_all(*step.move);
}

constinit bool is_on_from_start = false;

extern "C" constexpr char growstack_audit_setting[] = "GROWSTACK_AUDIT";

// Before static objects of the program, which may create coroutines.
[[gnu::constructor(103)]] void read_environment() noexcept {
    const char* const text = std::getenv(growstack_audit_setting);
    if (!text || !*text || std::strcmp(text, "0") == 0) return;
    if (std::strcmp(text, "1") != 0) return report_bad_setting(text);
    set_audit(true);
    is_on_from_start = grow::is_auditing();
}

// Whoever asks for it from outside sees that it was on, though nothing was wrong.
[[gnu::destructor]] void tell_if_nothing_was_found() noexcept {
    if (is_on_from_start && !the_auditor.told_count) report_nothing(the_auditor.moves);
}

} // namespace
} // namespace audit

bool set_audit(bool is_on) noexcept {
    if (is_on && grow::has_valgrind()) {
        audit::report_valgrind();
        is_on = false;
    }
    if (is_on) audit::prepare_malloc_blocks();
    heap::overwrite_freed(is_on);
    if (is_on) detail::free_kept_blocks(); // of coroutines that have ended: bodies with addresses of stacks
    grow::watch(grow::watch_place::audit, is_on ? audit::audit : nullptr);
    const unsigned before = is_on ? grow::stress_bits.fetch_or(grow::audit_bit)
                                  : grow::stress_bits.fetch_and(~grow::audit_bit);
    return (before & grow::audit_bit) != 0;
}

} // namespace growstack
