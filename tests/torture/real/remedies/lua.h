/* Included before Lua's ldo.c, compiled as C. lua_State::errorJmp, in the heap, points to a local of
   luaD_rawrunprotected, and that holds a jmp_buf: while the protected call runs, the stack stays in place. Lua lets its
   users define these macros. */
void* pin_stack(void);
void unpin_stack(void* pin);

#define LUAI_TRY(L, c, a)                       \
    {                                           \
        void* const volatile pin = pin_stack(); \
        if (_setjmp((c)->b) == 0) {             \
            a                                   \
        }                                       \
        unpin_stack(pin);                       \
    }
#define LUAI_THROW(L, c) _longjmp((c)->b, 1)
#define luai_jmpbuf jmp_buf
