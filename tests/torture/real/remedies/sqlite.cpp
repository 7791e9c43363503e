// Linked with --wrap for each function: while SQLite parses, the stack stays in place. sqlite3::pParse,
// WhereInfo::pParse and other pointers in the heap point to a local of sqlite3Prepare(), which sqlite3_step() calls
// too, when the schema has changed.
#include <growstack/growstack.hpp>

struct sqlite3;
struct sqlite3_blob;
struct sqlite3_stmt;

extern "C" {

int __real_sqlite3_prepare_v2(sqlite3*, const char*, int, sqlite3_stmt**, const char**);
int __wrap_sqlite3_prepare_v2(sqlite3* db, const char* sql, int bytes, sqlite3_stmt** statement, const char** tail) {
    const growstack::pin pin;
    return __real_sqlite3_prepare_v2(db, sql, bytes, statement, tail);
}

int __real_sqlite3_prepare_v3(sqlite3*, const char*, int, unsigned, sqlite3_stmt**, const char**);
int __wrap_sqlite3_prepare_v3(sqlite3* db, const char* sql, int bytes, unsigned flags, sqlite3_stmt** statement,
                              const char** tail) {
    const growstack::pin pin;
    return __real_sqlite3_prepare_v3(db, sql, bytes, flags, statement, tail);
}

int __real_sqlite3_step(sqlite3_stmt*);
int __wrap_sqlite3_step(sqlite3_stmt* statement) {
    const growstack::pin pin;
    return __real_sqlite3_step(statement);
}

int __real_sqlite3_blob_open(sqlite3*, const char*, const char*, const char*, long long, int, sqlite3_blob**);
int __wrap_sqlite3_blob_open(sqlite3* db, const char* database, const char* table, const char* column, long long row,
                             int flags, sqlite3_blob** blob) {
    const growstack::pin pin;
    return __real_sqlite3_blob_open(db, database, table, column, row, flags, blob);
}

// A text bound as SQLITE_STATIC is not copied: a Mem, in the heap, points to it. Callers give locals.
int __real_sqlite3_bind_text(sqlite3_stmt*, int, const char*, int, void (*)(void*));
int __wrap_sqlite3_bind_text(sqlite3_stmt* statement, int parameter, const char* text, int bytes,
                             void (*destroy)(void*)) {
    const auto transient = reinterpret_cast<void (*)(void*)>(-1);
    return __real_sqlite3_bind_text(statement, parameter, text, bytes, destroy ? destroy : transient);
}
}
