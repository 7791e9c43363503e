// Linked with --wrap for each function: while zstd makes a dictionary, the stack stays in place. A mutex, a condition
// variable and results that worker threads use lie in a local, COVER_best_t, and the global g_coverCtx points to
// another, COVER_ctx_t.
#include <growstack/growstack.hpp>

#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>

extern "C" {

size_t __real_ZDICT_optimizeTrainFromBuffer_cover(void*, size_t, const void*, const size_t*, unsigned,
                                                  ZDICT_cover_params_t*);
size_t __wrap_ZDICT_optimizeTrainFromBuffer_cover(void* dictionary, size_t bytes, const void* samples,
                                                  const size_t* sizes, unsigned count, ZDICT_cover_params_t* how) {
    const growstack::pin pin;
    return __real_ZDICT_optimizeTrainFromBuffer_cover(dictionary, bytes, samples, sizes, count, how);
}

size_t __real_ZDICT_optimizeTrainFromBuffer_fastCover(void*, size_t, const void*, const size_t*, unsigned,
                                                      ZDICT_fastCover_params_t*);
size_t __wrap_ZDICT_optimizeTrainFromBuffer_fastCover(void* dictionary, size_t bytes, const void* samples,
                                                      const size_t* sizes, unsigned count,
                                                      ZDICT_fastCover_params_t* how) {
    const growstack::pin pin;
    return __real_ZDICT_optimizeTrainFromBuffer_fastCover(dictionary, bytes, samples, sizes, count, how);
}

size_t __real_ZDICT_trainFromBuffer_cover(void*, size_t, const void*, const size_t*, unsigned, ZDICT_cover_params_t);
size_t __wrap_ZDICT_trainFromBuffer_cover(void* dictionary, size_t bytes, const void* samples, const size_t* sizes,
                                          unsigned count, ZDICT_cover_params_t how) {
    const growstack::pin pin;
    return __real_ZDICT_trainFromBuffer_cover(dictionary, bytes, samples, sizes, count, how);
}
}
