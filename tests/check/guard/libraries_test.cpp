// Code of other people, which nobody compiles anew: libc, libstdc++, zlib, SQLite; on stacks that begin with 4 KiB.
#include "grow.hpp"

#include <sqlite3.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <locale>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

int destroyed = 0;

struct counted {
    int level;
    explicit counted(int n) : level{n} { guard::opaque(this); }
    ~counted() { destroyed += level >= 0; }
};

[[gnu::noinline]] void throw_below(int levels) {
    counted local{levels};
    volatile char room[300];
    guard::opaque(room);
    if (levels == 0) throw std::runtime_error("from below");
    throw_below(levels - 1);
    guard::opaque(room);
}

struct directory_counts {
    std::size_t directories = 0, files = 0, name_bytes = 0;
    bool operator==(const directory_counts&) const = default;
};

directory_counts walk(const char* path) {
    directory_counts counts;
    using options = std::filesystem::directory_options;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{path, options::skip_permission_denied}) {
        ++(entry.is_directory() ? counts.directories : counts.files);
        counts.name_bytes += entry.path().filename().native().size();
    }
    return counts;
}

std::string deflated(const std::string& text) {
    uLongf bytes = compressBound(text.size());
    std::string result(bytes, '\0');
    if (compress(reinterpret_cast<Bytef*>(result.data()), &bytes, reinterpret_cast<const Bytef*>(text.data()),
                 text.size()))
        throw std::runtime_error("compress");
    result.resize(bytes);
    return result;
}

std::string inflated(std::string text) {
    const auto stream = std::make_unique<z_stream>(); // in the heap: zlib's state there points to it
    if (inflateInit(stream.get()) != Z_OK) return "inflateInit";
    stream->next_in = reinterpret_cast<Bytef*>(text.data());
    stream->avail_in = static_cast<uInt>(text.size());
    std::string result;
    unsigned char buffer[6000];
    for (int status = Z_OK; status == Z_OK;) {
        stream->next_out = buffer;
        stream->avail_out = sizeof buffer;
        status = inflate(stream.get(), Z_NO_FLUSH);
        if (status != Z_OK && status != Z_STREAM_END) return "inflate";
        result.append(reinterpret_cast<char*>(buffer), sizeof buffer - stream->avail_out);
    }
    inflateEnd(stream.get());
    return result;
}

long long query(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return -1;
    const long long result = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -2;
    sqlite3_finalize(statement);
    return result;
}

// The sum of 1000 inserted squares, and the sum of 1 to 5000 by a recursive query.
std::pair<long long, long long> sums_by_sqlite() {
    sqlite3* db = nullptr;
    if (sqlite3_open(":memory:", &db) != SQLITE_OK) return {};
    sqlite3_exec(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, square INTEGER, name TEXT)", nullptr, nullptr, nullptr);
    for (int i = 1; i <= 1000; ++i) {
        char sql[100];
        std::snprintf(sql, sizeof sql, "INSERT INTO t VALUES(%d, %d, 'row %d')", i, i * i, i);
        sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    }
    const std::pair sums{query(db, "SELECT sum(square) FROM t WHERE name LIKE 'row%'"),
                         query(db,
                               "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 5000) "
                               "SELECT sum(i) FROM n")};
    sqlite3_close(db);
    return sums;
}

[[gnu::noinline]] bool reads_into_untouched_buffer(int from) {
    char buffer[20'000];
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    return n == 20'000 && std::count(buffer, buffer + n, 'x') == n;
}

} // namespace

TEST_CASE_TEMPLATE("std::regex recurses over 20,000 characters", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    bool is_match = false;
    const auto stats = test::run<Kind>(
        [&] { is_match = std::regex_match(std::string(20'000, 'a'), std::regex("(a|b)*")); });
    CHECK(is_match);
    CHECK(stats.peak_stack_bytes > 1 << 20);
}

TEST_CASE_TEMPLATE("streams write numbers and read them back", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    test::run<Kind>([] {
        std::ostringstream out;
        out.imbue(std::locale::classic());
        for (int i = 0; i < 100; ++i) out << i / 8.0 << ' ' << i << " word ";
        std::istringstream in{out.str()};
        double sum = 0, x = 0;
        int n = 0, words = 0;
        for (std::string word; in >> x >> n >> word; ++words) sum += x * 8 - n;
        CHECK(words == 100);
        CHECK(sum == 0);
    });
}

TEST_CASE_TEMPLATE("an exception passes 200 frames and destroys the locals of each", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    destroyed = 0;
    std::string message;
    test::run<Kind>([&] {
        try {
            throw_below(200);
        } catch (const std::runtime_error& e) {
            message = e.what();
        }
    });
    CHECK(message == "from below");
    CHECK(destroyed == 201);
}

TEST_CASE_TEMPLATE("snprintf writes 4000 digits as on a thread's stack", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    std::string expected(6000, ' '), text = expected;
    std::snprintf(expected.data(), expected.size(), "%Lf", 1e4000L);
    int length = 0;
    test::run<Kind>([&] { length = std::snprintf(text.data(), text.size(), "%Lf", 1e4000L); });
    CHECK(length == 4007);
    CHECK(text == expected);
}

TEST_CASE_TEMPLATE("a walk over a directory tree counts what it counts on a thread's stack", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    const directory_counts expected = walk("/usr/include");
    directory_counts counts;
    test::run<Kind>([&] { counts = walk("/usr/include"); });
    CHECK(counts.files > 100);
    CHECK(counts == expected);
}

TEST_CASE_TEMPLATE("std::sort sorts 20,000 strings", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    std::vector<std::string> strings;
    for (unsigned i = 0; i < 20'000; ++i)
        strings.push_back("a longer string, number " + std::to_string(i * 7919u % 20'011u));
    auto expected = strings;
    std::sort(expected.begin(), expected.end());
    test::run<Kind>([&] { std::sort(strings.begin(), strings.end()); });
    CHECK(strings == expected);
}

TEST_CASE_TEMPLATE("zlib inflates what it deflated", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(i * 7919 % 1009) + ' ';
    const std::string packed = deflated(text);
    std::string unpacked;
    test::run<Kind>([&] { unpacked = inflated(packed); });
    CHECK(unpacked == text);
}

// Its parser keeps the address of a local in the heap, so this also says that the room is enough for it: nothing moves.
TEST_CASE_TEMPLATE("SQLite creates, inserts and queries", Kind, GROWSTACK_SMALL_AND_LARGE_KINDS) {
    std::pair<long long, long long> sums;
    test::run<Kind>([&] { sums = sums_by_sqlite(); });
    CHECK(sums.first == 333'833'500);
    CHECK(sums.second == 12'502'500);
}

TEST_CASE_TEMPLATE("the kernel reads into a local buffer that nobody has touched", Kind,
                   GROWSTACK_SMALL_AND_LARGE_KINDS) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const std::string content(20'000, 'x');
    REQUIRE(::write(ends[1], content.data(), content.size()) == 20'000);
    bool is_read = false;
    test::run<Kind>([&] { is_read = reads_into_untouched_buffer(ends[0]); });
    CHECK(is_read);
    ::close(ends[0]);
    ::close(ends[1]);
}
