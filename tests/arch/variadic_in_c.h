/* A variadic function in C, and the one that does its work. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
int format_in_c(char* to, size_t bytes, const char* format, ...);
int format_list_in_c(char* to, size_t bytes, const char* format, va_list arguments);
#ifdef __cplusplus
}
#endif
