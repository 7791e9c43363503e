// From addresses to names and sentences.
#include "observe/audit/report.hpp"
#include "base/escape_pointer.hpp"
#include "base/message.hpp"
#include "observe/audit/symbol.hpp"

#include <atomic>
#include <iterator>

namespace growstack {
namespace {

constinit std::atomic<audit_hook> current_hook{nullptr};

} // namespace

audit_hook set_audit_hook(audit_hook hook) noexcept { return current_hook.exchange(hook); }

const char* name(audit_finding::place_kind place) noexcept {
    constexpr const char* names[] = {"global",
                                     "thread-local storage",
                                     "heap block",
                                     "stack of a coroutine",
                                     "stack of the thread",
                                     "memory mapped",
                                     "escape stack of a coroutine",
                                     "escape stack of the thread"};
    static_assert(std::size(names) == audit_finding::thread_escape_stack + 1); // in the order of place_kind
    return place <= audit_finding::thread_escape_stack ? names[place] : "?";
}

namespace audit {
namespace {

using text = detail::message_of<8192>;

constexpr std::size_t most_told_frames = 24;

const void* pointer(std::uintptr_t address) noexcept { return reinterpret_cast<const void*>(address); }

text& operator<<(text& out, const symbol& s) noexcept {
    if (s.name[0]) return out << s.name;
    if (s.module[0]) return out << s.module << "+" << pointer(s.module_offset);
    return out << "?";
}

void put_place(text& out, const audit_finding& f) noexcept {
    out << name(f.place);
    switch (f.place) {
        case audit_finding::global:
        case audit_finding::thread_local_storage: out << " " << f.name; break;
        case audit_finding::heap_block:
        case audit_finding::mapping: out << " of " << f.object_bytes << " bytes at " << f.object; break;
        case audit_finding::coroutine_stack: out << " " << f.object << ", from its innermost frame"; break;
        case audit_finding::coroutine_escape_stack: out << " " << f.object << ", from its escape pointer"; break;
        case audit_finding::thread_escape_stack: out << " that resumed it, from its escape pointer"; break;
        case audit_finding::thread_stack: out << " that resumed it, from its innermost frame"; break;
    }
    out << ", +" << f.offset;
    if (f.words > 1) out << " and in " << f.words - 1 << " more words there";
}

void put_code(text& out, std::uintptr_t code, bool may_allocate) noexcept {
    symbol s;
    find_code(code, may_allocate, s);
    out << "\n    " << s;
    if (s.file) out << " at " << s.file << ":" << static_cast<std::size_t>(s.line);
    else if (s.module[0] && s.name[0]) out << " in " << s.module << "+" << pointer(s.module_offset);
}

void put_finding(text& out, const audit_finding& f, const grow::policy& policy) noexcept {
    out << "growstack: audit: stale pointer in ";
    put_place(out, f);
    out << ": it points to where coroutine " << f.coroutine << " (" << policy.name << ") was before its move " << f.move
        << ", ";
    if (f.function) out << f.frame_offset << " bytes into the frame of " << f.function;
    else out << "into a frame that is not known";
    out << "; a growstack::pin in that function keeps it in place, a growstack::root follows it. Moved by:";
}

void put_variable(text& out, const finding& f, const symbol& s) noexcept {
    if (f.where.module) out << "of " << (f.where.module[0] ? f.where.module : "the program");
    else if (s.name[0]) out << s.name << ", in " << s.module;
    else out << "without a name, in " << s.module << "+" << pointer(s.module_offset);
}

// The function whose check failed has no frame yet; one that was interrupted has.
bool has_frame(const grow::stack_move& m, const frames& mover) noexcept {
    return mover.count() && mover[0].code == m.live.code;
}

void put_backtrace(text& out, const grow::stack_move& m, const frames& mover, bool may_allocate) noexcept {
    if (m.live.code && !has_frame(m, mover)) put_code(out, m.live.code, may_allocate);
    for (std::size_t i = 0; i < mover.count() && i < most_told_frames; ++i) {
        put_code(out, mover[i].code, may_allocate);
        if (mover[i].count > 1) out << ", " << mover[i].count << " times";
    }
}

std::span<const std::uintptr_t> backtrace_of(const grow::stack_move& m, const frames& mover,
                                             std::span<std::uintptr_t> codes) noexcept {
    std::size_t count = 0;
    if (m.live.code && !has_frame(m, mover)) codes[count++] = m.live.code;
    for (std::size_t i = 0; i < mover.count() && count < codes.size(); ++i) codes[count++] = mover[i].code;
    return codes.first(count);
}

// Static, for the thread's stack may be small.
struct workspace {
    text whole{};
    text name{};
    symbol variable{}, function{};
    std::array<std::uintptr_t, most_told_frames> codes{};

    void clear() noexcept {
        whole.clear();
        name.clear();
        variable.clear();
        function.clear();
    }
};

// All but the whole text. Names and the backtrace lie in `w`.
audit_finding describe(const finding& f, const grow::stack_move& m, const frames& of_moved, const frames& mover,
                       workspace& w) noexcept {
    const frame* const into = of_moved.find(f.word);
    const bool is_global = f.where.kind == audit_finding::global;
    const bool is_variable = is_global || f.where.kind == audit_finding::thread_local_storage;
    if (is_global) find_data(f.address, !m.live.is_at_fault, w.variable);
    if (is_variable) put_variable(w.name, f, w.variable);
    if (into) find_code(into->code, !m.live.is_at_fault, w.function);
    return {.place = f.where.kind,
            .word = pointer(f.address),
            .object = f.coroutine ? f.coroutine : pointer(f.where.object.lo),
            .object_bytes = f.where.object.bytes(),
            .offset = f.address - f.where.object.lo,
            .words = f.words,
            .name = is_variable ? w.name.text() : nullptr,
            .coroutine = &m.self,
            .move = m.self.counts().moves,
            .function = w.function.name[0] ? w.function.name : nullptr,
            .frame_offset = into ? of_moved.offset_in(*into, f.word) : 0,
            .backtrace = backtrace_of(m, mover, w.codes),
            .text = nullptr};
}

} // namespace

bounds variable_at(std::uintptr_t address) noexcept {
    static constinit symbol s{};
    s.clear();
    find_data(address, false, s);
    return s.name[0] ? bounds{s.lo, s.lo + s.bytes} : bounds{address, address + sizeof(std::uintptr_t)};
}

std::uintptr_t function_at(std::uintptr_t code) noexcept {
    static constinit symbol s{};
    s.clear();
    find_code(code, false, s);
    return s.lo ? s.lo : code;
}

void report(const finding& f, const grow::stack_move& m, const frames& of_moved, const frames& mover) noexcept {
    static constinit workspace w{};
    w.clear();
    audit_finding told = describe(f, m, of_moved, mover, w);
    put_finding(w.whole, told, *m.self.policy());
    put_backtrace(w.whole, m, mover, !m.live.is_at_fault);
    told.text = w.whole.text();
    const grow::on_threads_escape_stack roomy; // for the hook
    if (const audit_hook hook = current_hook.load()) hook(told);
    else w.whole.write_line();
}

void report_more(std::size_t count) noexcept {
    detail::message line;
    line << "growstack: audit: " << count << " more words point to the same place; mend those above first";
    line.write_line();
}

void report_nothing(std::size_t moves) noexcept {
    detail::message line;
    line << "growstack: audit: " << moves << (moves == 1 ? " move" : " moves") << ", no stale pointer found";
    line.write_line();
}

void report_valgrind() noexcept {
    static constinit std::atomic<bool> is_reported{false};
    if (is_reported.exchange(true)) return;
    detail::message line;
    line << "growstack: audit: off under Valgrind, where each move would take minutes; Memcheck reports who touches "
            "where a stack was";
    line.write_line();
}

void report_bad_setting(const char* value) noexcept {
    detail::message line;
    line << "growstack: GROWSTACK_AUDIT: '" << value << "' is neither 1 nor 0: the audit is off";
    line.write_line();
}

} // namespace audit
} // namespace growstack
