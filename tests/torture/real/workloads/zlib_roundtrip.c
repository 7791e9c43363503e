/* zlib: generated data there and back at all levels and strategies, with the z_stream, the window and the buffers as locals. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { size = 20000 };
static unsigned char data[size], packed[2 * size], unpacked[size];

static void generate(unsigned seed) {
    int i;
    for (i = 0; i < size; ++i) {
        seed = seed * 1103515245 + 12345;
        data[i] = i % 100 < 60 && i > 500 ? data[i - 500] : (unsigned char)(seed >> 16 & (i % 3 ? 15 : 255));
    }
}

static unsigned long pack(int level, int strategy, int bits) {
    z_stream s = {0};
    int at, result = Z_OK;
    if (deflateInit2(&s, level, Z_DEFLATED, bits, 8, strategy) != Z_OK) return 0;
    s.next_out = packed;
    s.avail_out = sizeof packed;
    for (at = 0; at < size && result == Z_OK; at += 1000) {
        s.next_in = data + at;
        s.avail_in = 1000;
        result = deflate(&s, at + 1000 < size ? at % 5000 ? Z_NO_FLUSH : Z_SYNC_FLUSH : Z_FINISH);
    }
    return deflateEnd(&s) == Z_OK && result == Z_STREAM_END ? s.total_out : 0;
}

static int unpack(unsigned long bytes, int bits) {
    unsigned char piece[777];
    z_stream s = {0};
    int result;
    if (inflateInit2(&s, bits) != Z_OK) return 0;
    s.next_in = packed;
    s.avail_in = (uInt)bytes;
    do {
        s.next_out = piece;
        s.avail_out = sizeof piece;
        result = inflate(&s, Z_NO_FLUSH);
        memcpy(unpacked + (s.total_out - (sizeof piece - s.avail_out)), piece, sizeof piece - s.avail_out);
    } while (result == Z_OK);
    return inflateEnd(&s) == Z_OK && result == Z_STREAM_END && s.total_out == size && !memcmp(data, unpacked, size);
}

static int through_a_file(void) {
    char name[] = "zlib-XXXXXX", line[300];
    unsigned long lines = 0;
    gzFile file = gzdopen(mkstemp(name), "wb9");
    int i;
    for (i = 0; i < 500; ++i) gzprintf(file, "line %d of %s\n", i, "a file");
    gzclose(file);
    file = gzopen(name, "rb");
    while (gzgets(file, line, sizeof line)) lines += strlen(line);
    gzrewind(file);
    lines += (unsigned long)gzread(file, line, sizeof line);
    gzclose(file);
    unlink(name);
    return (int)lines;
}

int main(void) {
    static const int containers[] = {-15, 9, 15, 31}; /* none, zlib with a small window, zlib, gzip */
    int level, strategy, i, is_right;
    for (level = 0; level <= 9; ++level)
        for (strategy = Z_DEFAULT_STRATEGY; strategy <= Z_FIXED; ++strategy)
            for (i = 0; i < 4; ++i) {
                const int bits = containers[i];
                unsigned long bytes;
                generate((unsigned)(level * 10 + strategy));
                bytes = pack(level, strategy, bits);
                is_right = unpack(bytes, bits);
                printf("level %d strategy %d bits %d: %lu bytes, %s, %08lx\n", level, strategy, bits, bytes, is_right ? "right" : "wrong",
                       crc32(adler32(1, packed, (uInt)bytes), packed, (uInt)bytes));
                if (!is_right) return 1;
            }
    printf("gzip file: %d\n", through_a_file());
    return 0;
}
