// Job: std::regex_match of the whole GPL-3 text. libstdc++'s matcher calls itself for each character that a star has
// taken, so that it can come back: a text of 35 KB needs more stack than a thread has.
#include "jobs.hpp"
#include "text_file.hpp"

#include <regex>

namespace bench {
namespace {

std::string text;

void prepare() { text = read_text("/usr/share/common-licenses/GPL-3"); }

std::uint64_t run() {
    const std::regex any_text{"(.|\n)*x?"};
    std::smatch match;
    if (!std::regex_match(text, match, any_text)) return 0;
    std::uint64_t sum = match.size();
    for (const std::ssub_match& part : match)
        sum = sum * 1'000'003 + static_cast<std::uint64_t>(part.first - text.cbegin()) * 7 +
              static_cast<std::uint64_t>(part.length());
    return sum;
}

} // namespace

const job regex_job{"regex", "std::regex_match of the GPL-3 text", run, prepare};

} // namespace bench
