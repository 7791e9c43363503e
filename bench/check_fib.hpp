// fib with each kind of check.
#pragma once

#include <array>

namespace bench {

enum class kind { plain, clash_protection, compiler, probe };
using fib_layouts = std::array<long (*)(long), 4>;

template <kind>
const fib_layouts& fibs();
template <>
const fib_layouts& fibs<kind::plain>();
template <>
const fib_layouts& fibs<kind::clash_protection>();
template <>
const fib_layouts& fibs<kind::compiler>();
template <>
const fib_layouts& fibs<kind::probe>();

} // namespace bench
