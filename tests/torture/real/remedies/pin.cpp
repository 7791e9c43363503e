// A pin for code in C.
#include <growstack/growstack.hpp>

extern "C" void* pin_stack() { return new growstack::pin; }
extern "C" void unpin_stack(void* pin) { delete static_cast<growstack::pin*>(pin); }
