// Peer: -fsplit-stack as GCC ships it, with libgcc's own segments: this program is not linked with growstack. Segments
// are made and freed with all signals blocked, unless told otherwise. Usage: peer-libgcc [signals]: with that argument
// nothing is blocked.
//
// Only depth.cpp has checks. What switches must have none: it would look at the wrong segment.
#include "depth.hpp"

#include <boost/context/detail/fcontext.hpp>

extern "C" {
void* __splitstack_makecontext(std::size_t stack_size, void* context[10], std::size_t* size);
void __splitstack_releasecontext(void* context[10]);
void __splitstack_getcontext(void* context[10]);
void __splitstack_setcontext(void* context[10]);
void __splitstack_block_signals_context(void* context[10], int* wanted, int* before);
}

namespace {

namespace fcontext = boost::context::detail;

constexpr std::size_t first_bytes = 16 << 10;
int blocks_signals = 1;

class coroutine {
public:
    using body = void (*)(coroutine&, void*);

    coroutine(body run, void* argument) : run_{run}, argument_{argument} {
        std::size_t size = 0;
        char* const lo = static_cast<char*>(__splitstack_makecontext(first_bytes, own_, &size));
        __splitstack_block_signals_context(own_, &blocks_signals, nullptr);
        context_ = fcontext::make_fcontext(lo + size, size, start);
    }
    coroutine(const coroutine&) = delete;
    ~coroutine() { __splitstack_releasecontext(own_); }

    void resume() {
        __splitstack_getcontext(caller_);
        __splitstack_setcontext(own_);
        context_ = fcontext::jump_fcontext(context_, this).fctx;
    }

    void yield() {
        __splitstack_getcontext(own_);
        __splitstack_setcontext(caller_);
        context_ = fcontext::jump_fcontext(context_, nullptr).fctx;
    }

private:
    static void start(fcontext::transfer_t from) {
        auto& self = *static_cast<coroutine*>(from.data);
        self.context_ = from.fctx;
        self.run_(self, self.argument_);
        self.yield(); // for good
    }

    body run_;
    void* argument_;
    fcontext::fcontext_t context_;
    void* own_[10] = {};
    void* caller_[10] = {};
};

template <class Body>
void run(std::size_t, Body body) {
    coroutine{[](coroutine&, void* b) { (*static_cast<Body*>(b))(); }, &body}.resume();
}

} // namespace

int main(int argc, char**) {
    blocks_signals = argc == 1;
    const char* const peer = blocks_signals ? "libgcc" : "libgcc_signals";
    coroutine other{[](coroutine& self, void*) {
                        for (;;) self.yield();
                    },
                    nullptr};
    peers::measure("switch", peer, "pair", [&] { other.resume(); });
    peers::measure("create", peer, "run", [] { coroutine{[](coroutine&, void*) {}, nullptr}.resume(); });
    peers::measure("create", peer, "yield", [] {
        coroutine once{[](coroutine& self, void*) { self.yield(); }, nullptr};
        once.resume();
        once.resume();
    });
    peers::measure_growth(peer, [](std::size_t bytes, auto body) { run(bytes, body); });
    peers::measure_hot_split(peer, [](std::size_t bytes, auto body) { run(bytes, body); });
}
