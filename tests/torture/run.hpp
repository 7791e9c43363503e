// What random programs know of their surroundings, and what is known of them.
#pragma once

/// Yields in a coroutine; does nothing on a plain thread.
void yield();

/// Runs body(argument), in a coroutine in a coroutine, of the same kind.
void nested(void (*body)(void*), void* argument);

/// Gives *p to another thread, which writes `value` to it when this stack has grown.
void write_beside(unsigned long* p, unsigned long value);

/// One program as one configuration compiled it. Where its variables begin and end: data, bss.
struct compiled_program {
    unsigned long (*run)();
    char *data, *data_end, *bss, *bss_end;
};

struct configuration {
    const char* name;
    bool is_checked;
};

struct random_program {
    const char* name;
    bool is_probed;           ///< all of its calls of functions with large frames are growstack::call
    bool is_dense;            ///< it needs little stack in code without checks
    bool has_global_pointers; ///< its variables may point to locals: they are roots
};

// A batch of programs: the table that torture.py writes. compiled[p * configuration_count + c]
extern const unsigned program_count, configuration_count;
extern const random_program programs[];
extern const configuration configurations[];
extern const compiled_program compiled[];
