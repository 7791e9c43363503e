// A container is searched by the address of a local itself. Even if all pointers in it were re-pointed, its order, its
// buckets and its hashes would still be those of the old addresses.
#include "idioms.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace {

/// The compiler must not know that it has asked for this address before.
std::uintptr_t as_word(const void* p) {
    asm volatile("" : "+r"(p));
    return reinterpret_cast<std::uintptr_t>(p);
}

/// Mixes all bits of an address into the lowest.
std::size_t hash_of(const void* p) {
    std::uint64_t h = as_word(p) * 0x9e3779b97f4a7c15;
    return h >> 40;
}

/// A hash table without nodes, which lies in one array. `Slots` may be a local array: its pointers move with the stack
/// then, but not their places.
template <std::size_t Slots>
struct open_table {
    std::array<const void*, Slots> keys{};

    std::size_t place_of(const void* key) const {
        std::size_t at = hash_of(key) % Slots;
        while (keys[at] && keys[at] != key) at = (at + 1) % Slots;
        return at;
    }
    void insert(const void* key) { keys[place_of(key)] = key; }
    bool contains(const void* key) const { return keys[place_of(key)] != nullptr; }
};

} // namespace

IDIOM(visited_set, address_keyed, "an `unordered_set` in the heap of the nodes that a search has visited") {
    struct node {
        node* next = nullptr;
    } local;
    auto visited = in_heap<std::unordered_set<const node*>>();
    visited->insert(&local);
    grow();
    return visited->contains(&local);
}

IDIOM(visited_tree, address_keyed, "a `set` in the heap of addresses, in their order") {
    int local = 1;
    auto visited = in_heap<std::set<const int*>>();
    visited->insert(&local);
    grow();
    return visited->contains(&local);
}

IDIOM(names_of_objects, address_keyed, "an `unordered_map` in the heap from addresses to names") {
    int a = 1, b = 2;
    auto names = in_heap<std::unordered_map<const void*, std::string>>();
    (*names)[&a] = "a";
    (*names)[&b] = "b";
    show(names.get());
    grow();
    return (*names)[&a] == "a" && (*names)[&b] == "b";
}

IDIOM(attributes_by_address, address_keyed, "a `map` in the heap with what is known of each object, by its address") {
    int local = 1;
    auto attributes = in_heap<std::map<const int*, int>>();
    (*attributes)[&local] = 7;
    show(attributes.get());
    grow();
    return attributes->count(&local) == 1 && attributes->at(&local) == 7;
}

IDIOM(sorted_vector_of_addresses, address_keyed, "a sorted vector of addresses, searched by halves") {
    int locals[8] = {};
    std::vector<const int*> sorted;
    for (const int& x : locals) sorted.push_back(&x);
    std::sort(sorted.begin(), sorted.end());
    show(sorted.data());
    grow();
    return std::binary_search(sorted.begin(), sorted.end(), &locals[5]);
}

IDIOM(serialized_objects, address_keyed, "a writer's table of the objects that it has written already") {
    struct writer {
        std::map<const void*, int> numbers;
        int number_of(const void* object) {
            return numbers.emplace(object, static_cast<int>(numbers.size())).first->second;
        }
    };
    int local = 1;
    auto w = in_heap<writer>();
    const int first = w->number_of(&local);
    grow();
    return w->number_of(&local) == first;
}

IDIOM(memo_by_address, address_keyed, "a static table of results by the address of their argument") {
    static std::unordered_map<const int*, int> results;
    struct user {
        static int square(const int& x, int& computed) {
            const auto [at, is_new] = results.emplace(&x, 0);
            if (is_new) {
                ++computed;
                at->second = x * x;
            }
            return at->second;
        }
    };
    int local = 3, computed = 0;
    user::square(local, computed);
    grow();
    return user::square(local, computed) == 9 && computed == 1;
}

IDIOM(registered_by_this, address_keyed,
      "an object puts `this` into a global set, and takes it out in its destructor") {
    static std::set<const void*> alive;
    struct object {
        object() { alive.insert(this); }
        ~object() { alive.erase(this); }
        object(const object&) = delete;
    };
    {
        const object local;
        show(&local);
        grow();
    }
    return alive.empty();
}

IDIOM(owner_of_a_lock, address_keyed, "a recursive lock in the heap knows its owner by the address of a local token") {
    struct lock {
        const void* owner = nullptr;
        int times = 0;
        bool take(const void* token) {
            if (owner && owner != token) return false;
            owner = token;
            return ++times > 0;
        }
    };
    const char token = 0;
    auto l = in_heap<lock>();
    if (!l->take(&token)) return false;
    grow();
    return l->take(&token) && l->times == 2;
}

IDIOM(handle_is_address, address_keyed, "handles are addresses as numbers; the table of the open ones is a vector") {
    struct object {
        int value = 0;
    } local;
    auto open = in_heap<std::vector<std::uintptr_t>>();
    open->push_back(as_word(&local));
    grow();
    return std::find(open->begin(), open->end(), as_word(&local)) != open->end();
}

IDIOM(open_table_in_heap, address_keyed, "a hash table without nodes, in the heap") {
    int locals[8] = {};
    auto table = in_heap<open_table<64>>();
    for (const int& x : locals) table->insert(&x);
    grow();
    return std::all_of(locals, locals + 8, [&](const int& x) { return table->contains(&x); });
}

IDIOM(open_table_on_stack, address_keyed,
      "a hash table without nodes, on the stack itself: the places are the old ones") {
    int locals[32] = {};
    open_table<251> table;
    for (const int& x : locals) table.insert(&x);
    show(&table);
    grow();
    return std::all_of(locals, locals + 32, [&](const int& x) { return table.contains(&x); });
}

IDIOM(bloom_filter, address_keyed, "a filter of bits by the hash of an address") {
    int locals[8] = {};
    std::bitset<4096> seen;
    for (const int& x : locals) seen.set(hash_of(&x) % 4096);
    show(&seen);
    grow();
    return std::all_of(locals, locals + 8, [&](const int& x) { return seen.test(hash_of(&x) % 4096); });
}

IDIOM(striped_locks, address_keyed, "one of many locks, chosen by the hash of an object's address") {
    static bool is_locked[4093];
    int local = 1;
    is_locked[hash_of(&local) % 4093] = true;
    grow();
    return std::exchange(is_locked[hash_of(&local) % 4093], false);
}

IDIOM(checksum_of_address, address_keyed,
      "an object keeps a checksum of its address, to see that nobody copies its bytes") {
    struct canary {
        std::size_t check = hash_of(this);
        bool is_intact() const { return check == hash_of(this); }
    } local;
    show(&local);
    grow();
    return local.is_intact();
}

IDIOM(random_by_address, address_keyed, "an object's share of the load is chosen by its address, twice the same") {
    int local = 1;
    auto chosen = in_heap<std::size_t>(hash_of(&local));
    grow();
    return *chosen == hash_of(&local);
}

IDIOM(trie_of_addresses, address_keyed, "a tree in the heap that branches by the bits of an address") {
    struct node {
        std::unique_ptr<node> next[16];
    };
    struct trie {
        node root;
        bool find(std::uintptr_t key, bool insert) {
            node* at = &root;
            for (; key; key >>= 4) {
                auto& next = at->next[key & 15];
                if (!next && !insert) return false;
                if (!next) next = std::make_unique<node>();
                at = next.get();
            }
            return true;
        }
    };
    int local = 1;
    auto t = in_heap<trie>();
    t->find(as_word(&local), true);
    grow();
    return t->find(as_word(&local), false);
}

IDIOM(parking_lot, address_keyed, "a table of who waits for what, by the address of the local that they wait for") {
    struct waiter {
        const void* wants;
        bool woken = false;
    };
    static std::vector<waiter> waiting;
    std::uint32_t local = 0;
    waiting.push_back({&local});
    grow();
    for (waiter& w : waiting)
        if (w.wants == &local) w.woken = true;
    return waiting[0].woken;
}

IDIOM(ranges_by_address, address_keyed, "a `map` from the beginnings of blocks, asked which block an address lies in") {
    char block[64] = {};
    auto blocks = in_heap<std::map<std::uintptr_t, std::size_t>>();
    blocks->emplace(as_word(block), sizeof block);
    show(block);
    grow();
    const auto after = blocks->upper_bound(as_word(block + 20));
    if (after == blocks->begin()) return false;
    const auto& [begin, size] = *std::prev(after);
    return begin == as_word(block) && as_word(block + 20) < begin + size;
}
