// Question: what do an allocation and its free cost, beside glibc, tcmalloc, mimalloc and jemalloc? One program for
// each: all but growstack's replace malloc when they are linked.
//
//      pair     one block: allocated, freed
//      batch    256 blocks: all allocated, then all freed
#include "../policies.hpp"

#include <growstack/heap/resource.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <cstdlib>
#include <string>

namespace {

#ifdef ALLOCATOR
constexpr const char* name = ALLOCATOR;
void* allocate(std::size_t bytes) { return std::malloc(bytes); }
void deallocate(void* p, std::size_t) { std::free(p); }
#else
constexpr const char* name = "growstack";
void* allocate(std::size_t bytes) { return growstack::heap::allocate(bytes); }
void deallocate(void* p, std::size_t bytes) { growstack::heap::deallocate(p, bytes); }
#endif

void touch(void* p) { *static_cast<volatile char*>(p) = 1; }

template <std::size_t count>
void blocks(benchmark::State& state) {
    const auto bytes = static_cast<std::size_t>(state.range(0));
    std::array<void*, count> all;
    for (auto _ : state) {
        for (void*& p : all) {
            p = allocate(bytes);
            touch(p);
        }
        benchmark::ClobberMemory();
        for (void* p : all) deallocate(p, bytes);
    }
}

std::string row_name(const char* pattern, long bytes, int threads) {
    return std::string("heap/") + name + "/" + pattern + "-" + std::to_string(bytes) + "-" + std::to_string(threads);
}

} // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    for (const long bytes : {16, 64, 256, 1024, 4096, 32768, 65536})
        for (const int threads : {1, 2})
            for (const auto& [pattern, run] : {std::pair{"pair", &blocks<1>}, std::pair{"batch", &blocks<256>}})
                benchmark::RegisterBenchmark(row_name(pattern, bytes, threads).c_str(), run)
                    ->Arg(bytes)
                    ->Threads(threads)
                    ->UseRealTime();
    benchmark::RunSpecifiedBenchmarks();
}
