// The unwinder walks. In its callback, _Unwind_GetCFA is sp in the frame where the call was made: the frame's low end.
#include "observe/audit/frames.hpp"

#include "arch/arch.hpp"

#include <unwind.h>

namespace growstack::audit {
namespace {

struct walker {
    frames& all;
    grow::bounds where;
};

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* argument) {
    auto& [all, where] = *static_cast<walker*>(argument);
    int is_before_instruction = 0; // a frame that a signal has interrupted
    const std::uintptr_t code = _Unwind_GetIPInfo(context, &is_before_instruction);
    const std::uintptr_t lo = _Unwind_GetCFA(context);
    if (code && (all.count() || where.contains(lo))) all.note({is_before_instruction ? code : code - 1, lo});
    return _URC_NO_REASON;
}

void walk_from_here(void* argument) { _Unwind_Backtrace(note_frame, argument); }

} // namespace

void frames::walk(grow::bounds where) noexcept {
    count_ = 0;
    walker w{*this, where};
    walk_from_here(&w);
    if (count_) return;
    w.where = {0, UINTPTR_MAX};
    walk_from_here(&w);
}

void frames::walk_suspended(const void* context, grow::bounds where) noexcept {
    count_ = 0;
    walker w{*this, where};
    growstack_call_from_context(context, walk_from_here, &w);
}

const frame* frames::find(std::uintptr_t address) const noexcept {
    for (std::size_t i = 0; i + 1 < count_; ++i)
        if (all_[i].lo <= address && address < all_[i + 1].lo) return &all_[i];
    return nullptr;
}

std::size_t frames::offset_in(const frame& f, std::uintptr_t address) const noexcept {
    const frame& outer = *(&f + 1); // find() returns no last one
    return (address - f.lo) % ((outer.lo - f.lo) / f.count);
}

} // namespace growstack::audit
