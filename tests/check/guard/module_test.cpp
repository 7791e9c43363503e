// probe_table.hpp: probes in libraries that come and go.
#include "support.hpp"

#include <dlfcn.h>

#include <string>

namespace {

// While it lives, the library is loaded.
class module {
public:
    module() :handle_{::dlopen(PROBE_MODULE, RTLD_LAZY | RTLD_LOCAL)} {
        if (handle_) descend = reinterpret_cast<long (*)(long)>(::dlsym(handle_, "descend_in_module"));
    }
    ~module() {
        if (handle_) ::dlclose(handle_);
    }
    module(const module&) = delete;
    module& operator=(const module&) = delete;

    long (*descend)(long) = nullptr;

private:
    void* handle_;
};

} // namespace

TEST_CASE("probes of a library work each time that it is loaded, and nothing is left when it is unloaded") {
    for (int i = 0; i < 3; ++i) {
        const module library;
        const bool is_loaded = library.descend != nullptr;
        REQUIRE(is_loaded);
        long levels = 0;
        auto stats = test::run<test::smallest_segmented>([&] { levels = library.descend(500); });
        CHECK(levels == 501);
        CHECK(stats.chunks_linked > 50); // only a check links
        stats = test::run<test::smallest_contiguous>([&] { levels = library.descend(500); });
        CHECK(levels == 501);
        CHECK(stats.moves > 3);
        std::string message;
        test::run<test::smallest_fixed>(
            [&] { message = test::message_of<growstack::stack_overflow>([&] { library.descend(500); }); });
        CHECK(test::contains(message, "a frame of 1500 bytes does not fit"));
    }
    const bool is_gone = !::dlopen(PROBE_MODULE, RTLD_LAZY | RTLD_NOLOAD);
    CHECK(is_gone);
}
