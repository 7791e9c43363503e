// Three programs that need stack, written as if nobody thought of stacks: the same object code runs on every policy
// and on plain threads.
#pragma once

#include <cstdint>

namespace bench {

struct job {
    const char* name;
    const char* what;
    std::uint64_t (*run)(); // returns a checksum of its result
    void (*prepare)();      // reads its input, once, before the first run
};

extern const job regex_job;
extern const job json_job;
extern const job sort_job;

} // namespace bench
