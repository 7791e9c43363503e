// Asks if the code that called a checked function expects an exception from it.
//
// A prologue check can throw stack_overflow out of a function of which the compiler knows that it throws nothing: a
// leaf, say. Its caller's exception table then has no entry for the call, and __gxx_personality_v0 ends the program
// there. So growth looks before it throws.
//
// Source: Itanium C++ ABI: Exception Handling, "LSDA"; DWARF for the encodings.
#include "system/call_site.hpp"
#include "base/outward_call.hpp"

#include <unwind.h>

#include <cstring>

namespace growstack::grow {
namespace {

constexpr unsigned char pe_omit = 0xff, pe_uleb128 = 0x01, pe_udata4 = 0x03;

// Reads the language-specific data area of one function. Reads what GCC and Clang write: no landing pad base of its
// own, call sites as uleb128 or udata4.
class table_reader {
public:
    explicit table_reader(const unsigned char* at) noexcept : at_{at} {}

    unsigned char byte() noexcept { return *at_++; }

    std::uintptr_t uleb128() noexcept {
        std::uintptr_t value = 0;
        unsigned shift = 0;
        unsigned char b;
        do {
            b = byte();
            value |= std::uintptr_t{b & 0x7fu} << shift;
            shift += 7;
        } while (b & 0x80);
        return value;
    }

    std::uintptr_t value(unsigned char encoding) noexcept {
        if (encoding == pe_uleb128) return uleb128();
        unsigned word;
        std::memcpy(&word, at_, sizeof word);
        at_ += sizeof word;
        return word;
    }

    const unsigned char* position() const noexcept { return at_; }

private:
    const unsigned char* at_;
};

enum class expectation { unknown, expected, not_expected };

// Looks `offset`, of an instruction in the function, up in its table.
expectation look_up(const unsigned char* table, std::uintptr_t offset) noexcept {
    table_reader reader{table};
    if (reader.byte() != pe_omit) return expectation::unknown;
    if (reader.byte() != pe_omit) reader.uleb128(); // types
    const unsigned char encoding = reader.byte();
    if (encoding != pe_uleb128 && encoding != pe_udata4) return expectation::unknown;
    const std::uintptr_t table_bytes = reader.uleb128();
    const unsigned char* const end = reader.position() + table_bytes;
    while (reader.position() < end) {
        const std::uintptr_t start = reader.value(encoding);
        const std::uintptr_t bytes = reader.value(encoding);
        reader.value(encoding); // landing pad
        reader.uleb128();       // action
        if (offset - start < bytes) return expectation::expected;
    }
    return expectation::not_expected;
}

struct search {
    std::uintptr_t return_address;
    bool is_found = false;
    int frames_left = 64; // without a table; beyond, nobody is likely to object
    expectation result = expectation::unknown;
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
    auto& s = *static_cast<search*>(data);
    const std::uintptr_t address = _Unwind_GetIP(context);
    if (address == s.return_address) s.is_found = true; // growth's own frames come first
    if (!s.is_found) return _URC_NO_REASON;
    const auto* table = static_cast<const unsigned char*>(_Unwind_GetLanguageSpecificData(context));
    if (table) s.result = look_up(table, address - 1 - _Unwind_GetRegionStart(context));
    return table || --s.frames_left == 0 ? _URC_END_OF_STACK : _URC_NO_REASON;
}

} // namespace

bool expects_exception(std::uintptr_t return_address) noexcept {
    search s{.return_address = return_address};
    const outward_call outward; // if nobody expects one, the function whose check failed goes on, with its arguments
    _Unwind_Backtrace(visit, &s);
    return s.result != expectation::not_expected;
}

} // namespace growstack::grow
