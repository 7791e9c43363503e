// One line of text, put together and written with async-signal-safe calls only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace growstack::detail {

/// Writes the text, and the end of the line, to stderr in one call.
void write_line(char* text, std::size_t length) noexcept;

/// Text beyond its capacity is cut off.
template <std::size_t Capacity>
class message_of {
public:
    message_of& operator<<(const char* text) noexcept {
        while (*text) put(*text++);
        return *this;
    }

    message_of& operator<<(std::size_t number) noexcept {
        put_number(number, 10);
        return *this;
    }

    message_of& operator<<(const void* address) noexcept {
        *this << "0x";
        put_number(reinterpret_cast<std::uintptr_t>(address), 16);
        return *this;
    }

    void write_line() noexcept { detail::write_line(text_, length_); }

    void clear() noexcept { length_ = 0; }

    const char* text() noexcept {
        text_[length_] = '\0';
        return text_;
    }

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

    char text_[Capacity]{};
    std::size_t length_ = 0;
};

using message = message_of<1024>;

} // namespace growstack::detail
