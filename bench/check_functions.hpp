// Three small recursive functions with each kind of check.
#pragma once

#include <array>

namespace bench {

enum class kind { plain, clash_protection, compiler, probe };

struct checked_function {
    const char* name;
    long result;
    long calls;                     // that one run makes
    std::array<long (*)(), 4> runs; // the same function at different places
};

template <kind>
const std::array<checked_function, 3>& functions();
template <>
const std::array<checked_function, 3>& functions<kind::plain>();
template <>
const std::array<checked_function, 3>& functions<kind::clash_protection>();
template <>
const std::array<checked_function, 3>& functions<kind::compiler>();
template <>
const std::array<checked_function, 3>& functions<kind::probe>();

} // namespace bench
