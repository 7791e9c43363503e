// Reads and re-points the registers of a signal frame, and recognises the loops that probe a large frame.
//
// Source: Linux arch/x86/include/uapi/asm/sigcontext.h; Intel SDM volume 1, chapter 13, for the XSAVE area; the probing
// loops are those of GCC's ix86_adjust_stack_and_probe_stack_clash and allocate_dynamic_stack_space, and of LLVM's
// X86FrameLowering and X86TargetLowering::EmitLoweredProbedAlloca.
#include "arch/x86_64/interrupted_code.hpp"

#include <cpuid.h>

#include <cstring>
#include <iterator>

namespace growstack::grow {
namespace {

// In the order of the instruction encoding.
constexpr int registers[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                             REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
constexpr unsigned rsp_number = 4;

template <std::size_t count>
bool skip(const unsigned char*& at, const unsigned char (&bytes)[count]) noexcept {
    if (std::memcmp(at, bytes, count) != 0) return false;
    at += count;
    return true;
}

bool skip_probe(const unsigned char*& at) noexcept {
    return skip(at, {0x48, 0x83, 0x0c, 0x24, 0x00}) ||                       // orq $0, (%rsp)
           skip(at, {0x48, 0x83, 0x34, 0x24, 0x00}) ||                       // xorq $0, (%rsp)
           skip(at, {0x48, 0xc7, 0x04, 0x24, 0x00, 0x00, 0x00, 0x00}) ||     // movq $0, (%rsp)
           skip(at, {0x48, 0x83, 0x8c, 0x24, 0xf8, 0x0f, 0x00, 0x00, 0x00}); // orq $0, 4088(%rsp)
}

// The register that `cmp` compares with rsp; rsp itself if `at` is no such instruction.
unsigned compared_with_rsp(const unsigned char* at) noexcept {
    const unsigned char rex = at[0], opcode = at[1], modrm = at[2];
    if ((rex & 0xf8) != 0x48 || opcode != 0x39 || modrm < 0xc0) return rsp_number;
    const unsigned reg = (modrm >> 3 & 7) | (rex & 4u) << 1;
    const unsigned rm = (modrm & 7) | (rex & 1u) << 3;
    return rm == rsp_number ? reg : reg == rsp_number ? rm : rsp_number;
}

const unsigned char* skip_rex(const unsigned char* at) noexcept { return (*at & 0xf0) == 0x40 ? at + 1 : at; }

// A call pushes too.
bool is_push(const unsigned char* at) noexcept {
    at = skip_rex(at);
    const unsigned operation = at[1] >> 3 & 7;
    return (*at & 0xf8) == 0x50 || *at == 0x68 || *at == 0x6a || *at == 0xe8 ||
           (*at == 0xff && (operation == 2 || operation == 6));
}

// rep movs, rep stos
bool is_repeated_store(const unsigned char* at) noexcept {
    if (*at != 0xf3) return false;
    at = skip_rex(at + 1);
    return (*at & 0xfe) == 0xa4 || (*at & 0xfe) == 0xaa;
}

// Vector state beyond xmm0-15: parts of the XSAVE area that hold registers.
struct component {
    unsigned number;
    std::size_t bytes;
    std::size_t offset; // 0: the CPU has none
};

component components[] = {{2, 16 * 16, 0}, {6, 16 * 32, 0}, {7, 16 * 64, 0}}; // ymm's, zmm's upper halves; zmm16-31

[[gnu::constructor(102)]] void find_components() noexcept {
    for (component& c : components) {
        unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
        if (__get_cpuid_count(0xd, c.number, &eax, &ebx, &ecx, &edx) && eax >= c.bytes) c.offset = ebx;
    }
}

void adjust_words(unsigned char* at, std::size_t bytes, const displacement& moved) noexcept {
    auto* word = reinterpret_cast<std::uintptr_t*>(at);
    for (std::size_t i = 0; i < bytes / sizeof *word; ++i) word[i] = moved.apply(word[i]);
}

} // namespace

int interrupted_code::probing_register() const noexcept {
    const auto* at = reinterpret_cast<const unsigned char*>(ip());
    if (!skip_probe(at)) return -1;
    skip(at, {0x48, 0x81, 0xec, 0x00, 0x10, 0x00, 0x00});         // sub $4096, %rsp
    if (at[0] == 0xeb) at += 2 + static_cast<signed char>(at[1]); // jmp, to where unoptimised code compares
    const unsigned number = compared_with_rsp(at);
    return number == rsp_number ? -1 : registers[number];
}

void interrupted_code::undo_half_of_instruction(std::uintptr_t touched) noexcept {
    const auto* at = reinterpret_cast<const unsigned char*>(ip());
    if (touched == sp() && is_push(at)) context_.uc_mcontext.gregs[REG_RSP] += 8;
    if (is_repeated_store(at)) ++context_.uc_mcontext.gregs[REG_RCX];
}

void interrupted_code::move(const displacement& moved, std::span<const displacement> forms) noexcept {
    const std::uintptr_t end = end_of_probing();
    adjust(moved);
    for (const displacement& form : forms) adjust(form);
    if (end) context_.uc_mcontext.gregs[probing_register()] = static_cast<greg_t>(end + moved.distance);
}

void interrupted_code::adjust(const displacement& moved) noexcept {
    for (const int index : registers) {
        greg_t& value = context_.uc_mcontext.gregs[index];
        value = static_cast<greg_t>(moved.apply(static_cast<std::uintptr_t>(value)));
    }
    auto* const area = reinterpret_cast<unsigned char*>(context_.uc_mcontext.fpregs);
    if (!area) return;
    constexpr std::size_t xmm_offset = 160, magic_offset = 464, header_offset = 512;
    constexpr unsigned magic = 0x46505853; // FP_XSTATE_MAGIC1: there is more than the legacy area
    adjust_words(area + xmm_offset, 16 * 16, moved);
    unsigned found;
    std::memcpy(&found, area + magic_offset, sizeof found);
    if (found != magic) return;
    std::uint64_t in_use; // a component that is not has its initial value, whatever the memory says
    std::memcpy(&in_use, area + header_offset, sizeof in_use);
    for (const component& c : components)
        if (c.offset && (in_use >> c.number & 1)) adjust_words(area + c.offset, c.bytes, moved);
}

} // namespace growstack::grow
