/* A variadic function in C, as libraries have them. */
#include "variadic_in_c.h"

#include <stdio.h>

#ifdef NO_PLUGIN
__attribute__((no_split_stack))
#endif
int format_in_c(char* to, size_t bytes, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    const int written = format_list_in_c(to, bytes, format, arguments);
    va_end(arguments);
    return written;
}

/* This one has a check, as it has a frame that does not fit into what variadic functions may rely on. */
int format_list_in_c(char* to, size_t bytes, const char* format, va_list arguments) {
    char line[3000];
    vsnprintf(line, sizeof line, format, arguments);
    return snprintf(to, bytes, "%s", line);
}
