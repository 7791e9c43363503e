// The address of a local goes into a block in the heap to which only other blocks in the heap point.
#include "idioms.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

struct box {
    int* to;
};

struct box_of_box {
    std::unique_ptr<box> inner;
};

/// A part of a document, as of an XML library: the pool has the nodes, and each node knows its document.
struct document {
    struct node {
        document* owner;
        std::vector<node*> children;
    };

    node& make() { return *pool.emplace_back(new node{this, {}}); }

    std::vector<std::unique_ptr<node>> pool;
    int errors = 0;
};

/// A JSON-like value, and a parser that keeps a stack of the values that it is in.
struct value {
    int number = 0;
    std::vector<value> items;
};

class parser {
public:
    explicit parser(value& root) { open_.push_back(&root); }

    void parse(std::string_view text) {
        for (char c : text) {
            grow();
            if (c == '[') open_.push_back(&open_.back()->items.emplace_back());
            if (c == ']') open_.pop_back();
            if (c >= '0' && c <= '9') open_.back()->number = c - '0';
        }
    }

private:
    std::vector<value*> open_;
};

} // namespace

IDIOM(chain_of_two_blocks, deeper_heap, "a block points to a block that points to a local") {
    int local = 1;
    auto outer = in_heap<box_of_box>(in_heap<box>(&local));
    return sees_change(local, outer->inner->to);
}

IDIOM(chain_of_ten_blocks, deeper_heap, "the last of ten blocks, each of which knows the next, points to a local") {
    struct link {
        std::unique_ptr<link> next;
        int* to;
    };
    int local = 1;
    auto first = in_heap<link>(nullptr, &local);
    for (int i = 0; i < 9; ++i) first = in_heap<link>(std::move(first), nullptr);
    link* last = first.get();
    while (last->next) last = last->next.get();
    show(std::exchange(last, nullptr)); // so that no local points to the last block meanwhile
    grow();
    local = 5;
    last = first.get();
    while (last->next) last = last->next.get();
    return *last->to == 5;
}

IDIOM(vector_of_unique_ptrs, deeper_heap, "a vector of `unique_ptr`s, whose objects know a local parent") {
    struct parent {
        struct child {
            parent* owner;
        };
        int count = 0;
        std::vector<std::unique_ptr<child>> children;
    } local;
    for (int i = 0; i < 3; ++i) local.children.push_back(in_heap<parent::child>(&local));
    grow();
    for (auto& c : local.children) ++c->owner->count;
    return local.count == 3;
}

IDIOM(vector_of_vectors, deeper_heap, "an inner vector of a vector of vectors points to a local") {
    int local = 1;
    std::vector<std::vector<int*>> rows(4);
    rows[2].push_back(&local);
    show(rows[2].data());
    return sees_change(local, rows[2][0]);
}

IDIOM(map_of_handlers, deeper_heap, "a table in the heap has handlers, whose captures lie in blocks of their own") {
    int a = 0, b = 0, c = 0;
    auto table = in_heap<std::map<std::string, std::function<void()>>>();
    (*table)["reset"] = [&] { a = b = c = 0; };
    (*table)["raise"] = [&] { a = b = c = 1; };
    show(&table);
    grow();
    table->at("raise")();
    return a + b + c == 3;
}

IDIOM(shared_parent_of_parent, deeper_heap, "an object knows its parent, which knows a local root") {
    struct node {
        node* root;
        std::shared_ptr<node> parent;
        int visits = 0;
    };
    node root{nullptr, nullptr};
    auto middle = std::make_shared<node>(node{&root, nullptr});
    auto leaf = std::make_shared<node>(node{nullptr, std::move(middle)});
    show(leaf.get());
    grow();
    ++leaf->parent->root->visits;
    return root.visits == 1;
}

IDIOM(third_node_of_a_list, deeper_heap, "the third node of a list in the heap points to a local") {
    struct node {
        int* to;
        std::unique_ptr<node> next;
    };
    int local = 1;
    auto first = in_heap<node>(nullptr, in_heap<node>(nullptr, in_heap<node>(&local, nullptr)));
    grow();
    local = 5;
    return *first->next->next->to == 5;
}

IDIOM(trie_with_local_values, deeper_heap, "a leaf of a trie points to a local value") {
    struct node {
        std::map<char, std::unique_ptr<node>> next{};
        int* value = nullptr;
    };
    int local = 1;
    auto root = in_heap<node>();
    node* at = root.get();
    for (char c : std::string_view{"key"}) at = (at->next[c] = in_heap<node>()).get();
    at->value = &local;
    show(at);
    grow();
    local = 7;
    at = root.get();
    for (char c : std::string_view{"key"}) at = at->next.at(c).get();
    return *at->value == 7;
}

IDIOM(document_tree, deeper_heap, "every node of a local XML-like document knows the document") {
    document local;
    document::node& root = local.make();
    root.children.push_back(&local.make());
    show(&local);
    grow();
    local.pool[0]->children[0]->owner->errors = 1;
    return local.errors == 1;
}

IDIOM(parser_with_stack, deeper_heap,
      "a JSON-like parser in the heap has a stack of values, the first of which is a local") {
    value local;
    auto p = in_heap<parser>(local);
    p->parse("[7[8]]5");
    return local.number == 5 && local.items.size() == 1 && local.items[0].number == 7 &&
           local.items[0].items[0].number == 8;
}

IDIOM(chained_hash_table, deeper_heap, "a node in a bucket of an own hash table points to a local") {
    struct node {
        int key;
        int* value;
        std::unique_ptr<node> next;
    };
    struct table {
        std::vector<std::unique_ptr<node>> buckets{16};
        void put(int key, int* value) {
            auto& bucket = buckets[key % 16u];
            bucket = in_heap<node>(key, value, std::move(bucket));
        }
        int& at(int key) {
            node* n = buckets[key % 16u].get();
            while (n && n->key != key) n = n->next.get();
            if (!n) give_up();
            return *n->value;
        }
    };
    int a = 0, b = 0;
    auto t = in_heap<table>();
    t->put(3, &a);
    t->put(19, &b);
    grow();
    t->at(3) = 1;
    t->at(19) = 2;
    return a == 1 && b == 2;
}

IDIOM(timers_of_a_loop, deeper_heap, "an event loop in the heap has a queue, whose timers refer to a local") {
    struct timer {
        int due;
        int* fired;
    };
    struct loop {
        std::deque<std::unique_ptr<timer>> queue;
        void run() {
            for (; !queue.empty(); queue.pop_front()) ++*queue.front()->fired;
        }
    };
    int fired = 0;
    auto l = in_heap<loop>();
    l->queue.push_back(in_heap<timer>(1, &fired));
    l->queue.push_back(in_heap<timer>(2, &fired));
    grow();
    l->run();
    return fired == 2;
}

IDIOM(signal_and_slots, deeper_heap, "a signal in the heap has slots, whose functions have captures in the heap") {
    struct signal {
        std::vector<std::function<void(int)>> slots;
        void emit(int x) {
            for (auto& slot : slots) slot(x);
        }
    };
    int sum = 0, count = 0, last = 0;
    auto s = in_heap<signal>();
    s->slots.emplace_back([&](int x) {
        sum += x;
        ++count;
        last = x;
    });
    show(s->slots.data());
    grow();
    s->emit(2);
    s->emit(3);
    return sum == 5 && count == 2 && last == 3;
}

IDIOM(undo_stack, deeper_heap, "commands on an undo stack refer to a local document") {
    struct command {
        explicit command(std::string& d) : document(d) {}
        virtual ~command() = default;
        virtual void undo() = 0;
        std::string& document;
    };
    struct append final : command {
        using command::command;
        void undo() override { document.pop_back(); }
    };
    std::string local = "ab";
    std::vector<std::unique_ptr<command>> done;
    done.push_back(std::make_unique<append>(local));
    show(done.data());
    grow();
    done.back()->undo();
    return local == "a";
}

IDIOM(graph_with_local_node, deeper_heap, "the edges of a graph lead to a node that is a local") {
    struct node {
        std::vector<node*> edges{};
        bool visited = false;
    };
    node local;
    auto a = in_heap<node>();
    auto b = in_heap<node>();
    a->edges.push_back(b.get());
    b->edges.push_back(&local);
    show(b->edges.data());
    grow();
    a->edges[0]->edges[0]->visited = true;
    return local.visited;
}

IDIOM(plugin_with_settings, deeper_heap, "a registry in the heap has plugins, which refer to local settings") {
    struct settings {
        int level = 1;
    };
    struct plugin {
        const settings& given;
        int level() const { return given.level; }
    };
    struct registry {
        std::map<std::string, std::unique_ptr<plugin>> plugins;
    };
    settings local;
    auto r = in_heap<registry>();
    r->plugins["one"] = in_heap<plugin>(local);
    grow();
    local.level = 5;
    return r->plugins.at("one")->level() == 5;
}

IDIOM(writer_behind_writer, deeper_heap, "layers of output objects, the innermost of which appends to a local") {
    struct writer {
        std::unique_ptr<writer> next;
        std::string* out;
        void write(char c) { next ? next->write(c) : out->push_back(c); }
    };
    std::string local;
    auto outermost = in_heap<writer>(in_heap<writer>(in_heap<writer>(nullptr, &local), nullptr), nullptr);
    grow();
    outermost->write('x');
    return local == "x";
}
