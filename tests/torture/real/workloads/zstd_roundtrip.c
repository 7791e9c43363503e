/* zstd: generated data there and back at levels 1 to 19, in one piece, as a stream, and with a dictionary made of samples. */
#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { size = 40000, sample = 400 };
static char data[size], packed[2 * size], unpacked[size], dictionary[4000];

static void generate(unsigned seed) {
    static const char* const words[] = {"stack ", "chunk ", "moves ", "grows ", "pin, ", "root; "};
    size_t at = 0;
    while (at + 30 < size) {
        seed = seed * 1103515245 + 12345;
        at += (size_t)snprintf(data + at, 30, "%s%u ", words[seed >> 16 & 3], seed >> 28 ? seed >> 20 & 7 : seed);
    }
}

static unsigned long sum(const char* bytes, size_t count) {
    unsigned long hash = 14695981039346656037ul;
    while (count--) hash = (hash ^ (unsigned char)*bytes++) * 1099511628211ul;
    return hash;
}

static size_t stream(int level) {
    ZSTD_CStream* const s = ZSTD_createCStream();
    char piece[500];
    ZSTD_inBuffer in = {data, 0, 0};
    size_t bytes = 0, left = 1;
    ZSTD_initCStream(s, level);
    while (left) {
        ZSTD_outBuffer out = {piece, sizeof piece, 0};
        in.size = in.size + 1500 < size ? in.size + 1500 : size;
        left = ZSTD_compressStream2(s, &out, &in, in.size == size ? ZSTD_e_end : ZSTD_e_flush);
        if (ZSTD_isError(left)) return 0;
        if (in.size != size) left = 1;
        memcpy(packed + bytes, piece, out.pos);
        bytes += out.pos;
    }
    ZSTD_freeCStream(s);
    return bytes;
}

static int is_right(size_t unpacked_bytes) {
    const int right = unpacked_bytes == size && !memcmp(data, unpacked, size);
    memset(unpacked, 0, size);
    return right;
}

static size_t train(void) {
    static size_t samples[size / sample];
    int i;
    for (i = 0; i < size / sample; ++i) samples[i] = sample;
    return ZDICT_trainFromBuffer(dictionary, sizeof dictionary, data, samples, size / sample);
}

static size_t train_by_cover(unsigned threads) {
    static size_t samples[size / sample];
    ZDICT_cover_params_t how = {0};
    int i;
    for (i = 0; i < size / sample; ++i) samples[i] = sample;
    how.d = 8;
    how.steps = 2;
    how.nbThreads = threads;
    return ZDICT_optimizeTrainFromBuffer_cover(dictionary, sizeof dictionary, data, samples, size / sample, &how);
}

int main(void) {
    ZSTD_CCtx* const packer = ZSTD_createCCtx();
    ZSTD_DCtx* const unpacker = ZSTD_createDCtx();
    size_t bytes, dictionary_bytes;
    int level, right = 1;
    for (level = 1; level <= 19; ++level) {
        generate((unsigned)level);
        bytes = ZSTD_compress(packed, sizeof packed, data, size, level);
        right &= is_right(ZSTD_decompress(unpacked, size, packed, bytes));
        printf("level %d: %lu bytes, %lx", level, (unsigned long)bytes, sum(packed, bytes));
        bytes = stream(level);
        right &= is_right(ZSTD_decompress(unpacked, size, packed, bytes));
        printf("; stream: %lu bytes, %lx; %s\n", (unsigned long)bytes, sum(packed, bytes), right ? "right" : "wrong");
    }
    for (level = 0; level < 3; ++level) {
        generate((unsigned)level);
        dictionary_bytes = level == 0 ? train() : train_by_cover((unsigned)level);
        bytes = ZSTD_compress_usingDict(packer, packed, sizeof packed, data, size, dictionary, dictionary_bytes, 3);
        right &= is_right(ZSTD_decompress_usingDict(unpacker, unpacked, size, packed, bytes, dictionary, dictionary_bytes));
        printf("dictionary %d: %s, %lx; %lu bytes; %s\n", level, ZDICT_getErrorName(dictionary_bytes),
               ZDICT_isError(dictionary_bytes) ? 0 : sum(dictionary, dictionary_bytes), (unsigned long)bytes, right ? "right" : "wrong");
    }
    ZSTD_freeCCtx(packer);
    ZSTD_freeDCtx(unpacker);
    return !right;
}
