// Included before Lua's ldo.c, compiled as C++. lua_State::errorJmp, in the heap, points to a local of
// luaD_rawrunprotected: while the protected call runs, it follows that. Lua lets its users define these macros; the
// second and third are its own.
#pragma once
#include <growstack/growstack.hpp>

#define LUAI_TRY(L, c, a)                                                 \
    {                                                                     \
        const growstack::root_range follow{std::span{&(L)->errorJmp, 1}}; \
        try {                                                             \
            a                                                             \
        } catch (...) {                                                   \
            if ((c)->status == 0) (c)->status = -1;                       \
        }                                                                 \
    }
#define LUAI_THROW(L, c) throw(c)
#define luai_jmpbuf int
