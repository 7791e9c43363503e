// One line of text, put together and written with async-signal-safe calls only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::detail {

/// Text beyond its capacity is cut off.
class message {
public:
    message& operator<<(const char* text) noexcept {
        while (*text) put(*text++);
        return *this;
    }

    message& operator<<(std::size_t number) noexcept {
        put_number(number, 10);
        return *this;
    }

    message& operator<<(const void* address) noexcept {
        *this << "0x";
        put_number(reinterpret_cast<std::uintptr_t>(address), 16);
        return *this;
    }

    /// Writes the line to stderr in one call.
    void write_line() noexcept;

private:
    void put(char c) noexcept {
        if (length_ < sizeof text_ - 1) text_[length_++] = c;
    }

    void put_number(std::size_t number, unsigned base) noexcept {
        char digits[20];
        unsigned count = 0;
        do digits[count++] = "0123456789abcdef"[number % base];
        while (number /= base);
        while (count) put(digits[--count]);
    }

    char text_[1024];
    std::size_t length_ = 0;
};

} // namespace growstack::detail
