// For programs that are linked with -fsplit-stack (-flto needs that): GCC then links with --wrap=pthread_create, and
// without this symbol libgcc's own __morestack would be pulled in and collide with ours. New threads need nothing:
// their limit is 0, no check fails.
#include <pthread.h>

extern "C" {

// What the linker makes of the real one; null in programs that are not linked so, which never call this.
[[gnu::weak]] int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*), void* argument) {
    return __real_pthread_create(thread, attributes, start, argument);
}
}
