// Linked with --wrap for each function: from the call that opens a z_stream to the one that closes it, the stack stays
// in place. internal_state::strm, in the heap, points to the z_stream, which is often a local: zlib compares the two at
// each call. And inflate_state::window points to the caller's buffer, if that is who gives it.
#include <growstack/growstack.hpp>

#include <zlib.h>

#include <map>
#include <memory>

namespace {

// By the address of the stream, which stays where it is while it is in here.
std::map<z_streamp, std::unique_ptr<growstack::pin>> pins;

template <auto init, class... Args>
int open(z_streamp stream, Args... args) {
    pins[stream] = std::make_unique<growstack::pin>();
    const int result = init(stream, args...);
    if (result != Z_OK) pins.erase(stream);
    return result;
}

template <auto end>
int close(z_streamp stream) {
    const int result = end(stream);
    pins.erase(stream);
    return result;
}

} // namespace

extern "C" {

int __real_deflateInit_(z_streamp, int, const char*, int);
int __wrap_deflateInit_(z_streamp s, int level, const char* version, int bytes) {
    return open<__real_deflateInit_>(s, level, version, bytes);
}
int __real_deflateInit2_(z_streamp, int, int, int, int, int, const char*, int);
int __wrap_deflateInit2_(z_streamp s, int level, int method, int bits, int memory, int strategy, const char* version,
                         int bytes) {
    return open<__real_deflateInit2_>(s, level, method, bits, memory, strategy, version, bytes);
}
int __real_inflateInit_(z_streamp, const char*, int);
int __wrap_inflateInit_(z_streamp s, const char* version, int bytes) {
    return open<__real_inflateInit_>(s, version, bytes);
}
int __real_inflateInit2_(z_streamp, int, const char*, int);
int __wrap_inflateInit2_(z_streamp s, int bits, const char* version, int bytes) {
    return open<__real_inflateInit2_>(s, bits, version, bytes);
}
int __real_inflateBackInit_(z_streamp, int, unsigned char*, const char*, int);
int __wrap_inflateBackInit_(z_streamp s, int bits, unsigned char* window, const char* version, int bytes) {
    return open<__real_inflateBackInit_>(s, bits, window, version, bytes);
}
int __real_deflateCopy(z_streamp, z_streamp);
int __wrap_deflateCopy(z_streamp to, z_streamp from) { return open<__real_deflateCopy>(to, from); }
int __real_inflateCopy(z_streamp, z_streamp);
int __wrap_inflateCopy(z_streamp to, z_streamp from) { return open<__real_inflateCopy>(to, from); }

int __real_deflateEnd(z_streamp);
int __wrap_deflateEnd(z_streamp s) { return close<__real_deflateEnd>(s); }
int __real_inflateEnd(z_streamp);
int __wrap_inflateEnd(z_streamp s) { return close<__real_inflateEnd>(s); }
int __real_inflateBackEnd(z_streamp);
int __wrap_inflateBackEnd(z_streamp s) { return close<__real_inflateBackEnd>(s); }

// A large buffer of the caller's is not copied: gz_state::strm points into it meanwhile.
int __real_gzwrite(gzFile, const void*, unsigned);
int __wrap_gzwrite(gzFile file, const void* buffer, unsigned bytes) {
    const growstack::pin pin;
    return __real_gzwrite(file, buffer, bytes);
}
int __real_gzread(gzFile, void*, unsigned);
int __wrap_gzread(gzFile file, void* buffer, unsigned bytes) {
    const growstack::pin pin;
    return __real_gzread(file, buffer, bytes);
}
}
