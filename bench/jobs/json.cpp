// Job: a recursive parse of the largest JSON file of Debian's iso-codes package, and a walk over the result.
#include "jobs.hpp"
#include "text_file.hpp"

#include <rapidjson/document.h>

#include <string_view>

namespace bench {
namespace {

namespace fs = std::filesystem;

std::string text;

void prepare() {
    fs::path largest;
    std::uintmax_t largest_bytes = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator{"/usr/share/iso-codes/json"}) {
        if (!entry.is_regular_file() || entry.file_size() <= largest_bytes) continue;
        largest = entry.path();
        largest_bytes = entry.file_size();
    }
    text = read_text(largest);
}

std::uint64_t sum_of(std::string_view s) {
    std::uint64_t sum = s.size();
    for (const char c : s) sum = sum * 31 + static_cast<unsigned char>(c);
    return sum;
}

std::uint64_t sum_of(const rapidjson::Value& value) {
    std::uint64_t sum = static_cast<std::uint64_t>(value.GetType());
    if (value.IsString()) sum = sum_of(std::string_view{value.GetString(), value.GetStringLength()});
    if (value.IsArray())
        for (const auto& element : value.GetArray()) sum = sum * 1'000'003 + sum_of(element);
    if (value.IsObject())
        for (const auto& member : value.GetObject())
            sum = sum * 1'000'003 + sum_of(member.name) * 7 + sum_of(member.value);
    return sum;
}

std::uint64_t run() {
    rapidjson::Document document;
    document.Parse<rapidjson::kParseDefaultFlags>(text.c_str());
    return document.HasParseError() ? 0 : sum_of(document);
}

} // namespace

const job json_job{"json", "recursive parse of the largest file of iso-codes", run, prepare};

} // namespace bench
