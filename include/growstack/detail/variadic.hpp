/* Included by the flags of growstack-split and growstack-safe before each file that a Clang compiles for which there is
   no pass plugin (packaging/llvm): takes the check off the variadic functions that libstdc++'s headers define. Clang
   cannot compile such functions with a check: "Segmented stacks do not support vararg functions". In C, and with
   another compiler or standard library, there is nothing to do. (These comments are C's of 1989.) */
#pragma once

#if defined __cplusplus && defined __clang__
#if __cplusplus >= 201103L && __has_include(<ext/string_conversions.h>)
/* What that header includes comes first, without the attribute: those functions can be checked. */
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <type_traits>

#include <bits/functexcept.h>
#include <ext/numeric_traits.h>

/* std::to_string(double) and its like call __to_xstring, which is variadic. */
#pragma clang attribute push(__attribute__((no_split_stack)), apply_to = function)
#include <ext/string_conversions.h>
#pragma clang attribute pop
#endif
#endif
