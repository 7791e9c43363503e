// The audit where code without checks has the stack moved, at whatever instruction: in the fault handler.
#include "support.hpp"

#include <memory>
#include <string>

namespace {

std::string* texts;
unsigned findings = 0;

void note(const growstack::audit_finding& f) {
    ++findings;
    *texts += f.text;
}

[[gnu::noinline]] void keep_a_local() {
    int local = 1;
    const auto kept = std::make_unique<int*>(&local);
    test::opaque(kept.get()); // or Clang needs no heap for it
    test::use_stack(300000);
    test::opaque(&local);
}

} // namespace

TEST_CASE_TEMPLATE("a move at the guard is audited, and both functions are named", Kind, test::smallest_contiguous,
                   test::roomless_contiguous) {
    std::string all;
    all.reserve(100000); // nothing is allocated in a signal handler
    texts = &all;
    findings = 0;
    growstack::set_audit_hook(note);
    growstack::set_audit(true);
    test::run<Kind>([] { keep_a_local(); });
    growstack::set_audit(false);
    growstack::set_audit_hook(nullptr);
    REQUIRE_MESSAGE(findings == 1, all);
    // glibc's smallest block; a sanitizer's has the bytes that were asked for.
    const bool is_told = test::contains(all, growstack::grow::has_address_sanitizer
                                                 ? "stale pointer in heap block of 8 bytes"
                                                 : "stale pointer in heap block of 24 bytes");
    CHECK_MESSAGE(is_told, all);
    CHECK_MESSAGE(test::contains(all, "into the frame of _ZN12_GLOBAL__N_112keep_a_localEv"),
                  all); // no demangling there: it allocates
    CHECK_MESSAGE(test::contains(all, "Moved by:\n    _ZN4test"), all);
}
