// The address of a local goes to the kernel, or through it, and comes back after the stack has grown.
#include "idioms.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include <aio.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>
#include <csignal>
#include <ctime>

namespace {

/// Closes a file at the end.
struct file {
    int fd;
    explicit file(int f) : fd(f) {
        if (fd < 0) give_up();
    }
    ~file() { ::close(fd); }
    file(const file&) = delete;
};

struct pair_of_files {
    int in = -1, out = -1;
    ~pair_of_files() {
        ::close(in);
        ::close(out);
    }
};

pair_of_files make_pipe() {
    int both[2];
    if (::pipe(both) != 0) give_up();
    return {both[0], both[1]};
}

/// A handler of an event loop, known to the kernel by its address.
struct handler {
    int events = 0;
};

handler* wait_for_event(int epoll) {
    epoll_event event{};
    return ::epoll_wait(epoll, &event, 1, 5000) == 1 ? static_cast<handler*>(event.data.ptr) : nullptr;
}

void watch(int epoll, int fd, void* data) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = data;
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) give_up();
}

/// A signal that this thread takes when it asks for it.
sigset_t blocked(int signal) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) give_up();
    return set;
}

/// Waits for a signal that carries a pointer.
void* receive(const sigset_t& set) {
    siginfo_t info{};
    const timespec patience{5, 0};
    if (::sigtimedwait(&set, &info, &patience) < 0) give_up();
    return info.si_value.sival_ptr;
}

const itimerspec at_once{{0, 0}, {0, 1'000'000}};

void write_to_pointer(int, siginfo_t* info, void*) { *static_cast<volatile int*>(info->si_value.sival_ptr) = 7; }

void handle_with_value(int signal) {
    struct sigaction action{};
    action.sa_sigaction = write_to_pointer;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    if (::sigaction(signal, &action, nullptr) != 0) give_up();
}

} // namespace

IDIOM(epoll_data, kernel, "`epoll_ctl` gets a pointer to a local handler in `data.ptr`") {
    const file epoll{::epoll_create1(0)}, event{::eventfd(1, 0)};
    handler local;
    watch(epoll.fd, event.fd, &local);
    grow();
    handler* const woken = wait_for_event(epoll.fd);
    if (!woken) return false;
    ++woken->events;
    return local.events == 1;
}

IDIOM(epoll_two_handlers, kernel, "an event loop tells its two local handlers apart by their addresses") {
    const file epoll{::epoll_create1(0)}, a{::eventfd(0, 0)}, b{::eventfd(0, 0)};
    handler first, second;
    watch(epoll.fd, a.fd, &first);
    watch(epoll.fd, b.fd, &second);
    grow();
    ::eventfd_write(b.fd, 1);
    return wait_for_event(epoll.fd) == &second;
}

IDIOM(epoll_timer, kernel, "a timer's file is watched, with a local handler") {
    const file epoll{::epoll_create1(0)}, timer{::timerfd_create(CLOCK_MONOTONIC, 0)};
    handler local;
    watch(epoll.fd, timer.fd, &local);
    grow();
    ::timerfd_settime(timer.fd, 0, &at_once, nullptr);
    handler* const woken = wait_for_event(epoll.fd);
    if (!woken) return false;
    ++woken->events;
    return local.events == 1;
}

IDIOM(epoll_socket, kernel, "a connection, watched by its local object, gets a byte") {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, both) != 0) return false;
    const file epoll{::epoll_create1(0)}, ours{both[0]}, theirs{both[1]};
    handler local;
    watch(epoll.fd, ours.fd, &local);
    grow();
    if (::write(theirs.fd, "x", 1) != 1) return false;
    handler* const woken = wait_for_event(epoll.fd);
    if (!woken) return false;
    ++woken->events;
    return local.events == 1;
}

IDIOM(pipe_of_pointers, kernel, "a pointer to a local goes through a pipe, as a message to oneself") {
    const pair_of_files pipe = make_pipe();
    int local = 1;
    int* p = &local;
    if (::write(pipe.out, &p, sizeof p) != sizeof p) return false;
    p = nullptr;
    grow();
    if (::read(pipe.in, &p, sizeof p) != sizeof p) return false;
    *p = 5;
    return local == 5;
}

IDIOM(socket_of_pointers, kernel, "a datagram between two sockets carries a pointer to a local") {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, both) != 0) return false;
    const file ours{both[0]}, theirs{both[1]};
    int local = 1;
    void* p = &local;
    if (::send(ours.fd, &p, sizeof p, 0) != sizeof p) return false;
    p = nullptr;
    grow();
    if (::recv(theirs.fd, &p, sizeof p, 0) != sizeof p) return false;
    *static_cast<int*>(p) = 5;
    return local == 5;
}

IDIOM(pointer_in_a_file, kernel, "a file keeps a pointer to a local, as of a process that saves its own tables") {
    char name[] = "/tmp/idiomXXXXXX";
    const file f{::mkstemp(name)};
    ::unlink(name);
    int local = 1;
    int* p = &local;
    if (::pwrite(f.fd, &p, sizeof p, 0) != sizeof p) return false;
    p = nullptr;
    grow();
    if (::pread(f.fd, &p, sizeof p, 0) != sizeof p) return false;
    *p = 5;
    return local == 5;
}

IDIOM(eventfd_of_pointer, kernel, "the counter of an `eventfd` is the address of a local") {
    const file f{::eventfd(0, 0)};
    int local = 1;
    ::eventfd_write(f.fd, reinterpret_cast<std::uintptr_t>(&local));
    grow();
    eventfd_t got = 0;
    ::eventfd_read(f.fd, &got);
    *reinterpret_cast<int*>(got) = 5;
    return local == 5;
}

IDIOM(queued_signal, kernel, "`sigqueue` with a pointer to a local; the signal is taken after growth") {
    const sigset_t set = blocked(SIGRTMIN);
    int local = 1;
    sigval value{};
    value.sival_ptr = &local;
    if (::sigqueue(::getpid(), SIGRTMIN, value) != 0) return false;
    grow();
    *static_cast<int*>(receive(set)) = 5;
    return local == 5;
}

IDIOM(queued_signal_to_thread, kernel, "`pthread_sigqueue` with a pointer to a local, and its handler writes there") {
    handle_with_value(SIGRTMIN + 1);
    const sigset_t set = blocked(SIGRTMIN + 1);
    int local = 1;
    sigval value{};
    value.sival_ptr = &local;
    if (::pthread_sigqueue(::pthread_self(), SIGRTMIN + 1, value) != 0) return false;
    grow();
    ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr); // the handler runs now
    show(&local);
    return local == 7;
}

IDIOM(signal_file, kernel, "a `signalfd` gives back the pointer of a queued signal") {
    const sigset_t set = blocked(SIGRTMIN);
    const file f{::signalfd(-1, &set, 0)};
    int local = 1;
    sigval value{};
    value.sival_ptr = &local;
    if (::sigqueue(::getpid(), SIGRTMIN, value) != 0) return false;
    grow();
    signalfd_siginfo info{};
    if (::read(f.fd, &info, sizeof info) != sizeof info) return false;
    *reinterpret_cast<int*>(info.ssi_ptr) = 5;
    return local == 5;
}

IDIOM(timer_with_signal, kernel, "`timer_create` with a pointer to a local, told by a signal") {
    const sigset_t set = blocked(SIGRTMIN);
    int local = 1;
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    event.sigev_value.sival_ptr = &local;
    timer_t timer{};
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return false;
    grow();
    ::timer_settime(timer, 0, &at_once, nullptr);
    *static_cast<int*>(receive(set)) = 5;
    ::timer_delete(timer);
    return local == 5;
}

IDIOM(timer_with_handler, kernel, "`timer_create` with a pointer to a local, and a signal handler that writes there") {
    handle_with_value(SIGRTMIN + 2);
    std::atomic<int> local{1};
    static_assert(sizeof local == sizeof(int));
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN + 2;
    event.sigev_value.sival_ptr = &local;
    timer_t timer{};
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return false;
    grow();
    ::timer_settime(timer, 0, &at_once, nullptr);
    for (int i = 0; i < 200 && local == 1; ++i) ::poll(nullptr, 0, 10); // the signal ends it
    ::timer_delete(timer);
    return local == 7;
}

IDIOM(timer_with_thread, kernel, "`timer_create` with a pointer to a local, and a function on a thread of its own") {
    static std::atomic<bool> is_done{false};
    int local = 1;
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval value) {
        *static_cast<int*>(value.sival_ptr) = 7;
        is_done = true;
    };
    event.sigev_value.sival_ptr = &local;
    timer_t timer{};
    if (::timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return false;
    grow();
    ::timer_settime(timer, 0, &at_once, nullptr);
    for (int i = 0; i < 500 && !is_done; ++i) ::poll(nullptr, 0, 10);
    ::timer_delete(timer);
    return local == 7;
}

IDIOM(asynchronous_read, kernel, "`aio_read` fills a local buffer; it waits for a pipe while the stack grows") {
    const pair_of_files pipe = make_pipe();
    char buffer[4] = {};
    static aiocb request{};
    request.aio_fildes = pipe.in;
    request.aio_buf = buffer;
    request.aio_nbytes = 3;
    if (::aio_read(&request) != 0) return false;
    grow();
    if (::write(pipe.out, "abc", 3) != 3) return false;
    const aiocb* const list[] = {&request};
    const timespec patience{5, 0};
    if (::aio_suspend(list, 1, &patience) != 0) give_up();
    return ::aio_return(&request) == 3 && buffer[0] == 'a' && buffer[2] == 'c';
}

IDIOM(read_that_waits, kernel, "another thread is in `readv` into a local buffer while the stack grows") {
    static pair_of_files pipe = make_pipe();
    static std::atomic<bool> is_waiting{false};
    char buffer[4] = {};
    std::thread reader{[&buffer] {
        const iovec parts[] = {{buffer, 1}, {buffer + 1, 2}};
        is_waiting = true;
        if (::readv(pipe.in, parts, 2) != 3) give_up();
    }};
    while (!is_waiting) std::this_thread::yield();
    grow();
    if (::write(pipe.out, "abc", 3) != 3) return false;
    reader.join();
    return buffer[0] == 'a' && buffer[2] == 'c';
}

IDIOM(message_with_vectors, kernel,
      "a message in the heap describes local buffers, and goes out by `sendmsg` after growth") {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_DGRAM, 0, both) != 0) return false;
    const file ours{both[0]}, theirs{both[1]};
    char head[3] = "hd", body[3] = "bd", got[8] = {};
    auto parts = in_heap<std::array<iovec, 2>>();
    (*parts)[0] = {head, 2};
    (*parts)[1] = {body, 2};
    show(parts.get());
    grow();
    head[0] = 'H';
    msghdr message{};
    message.msg_iov = parts->data();
    message.msg_iovlen = 2;
    return ::sendmsg(ours.fd, &message, 0) == 4 && ::recv(theirs.fd, got, sizeof got, 0) == 4 && got[0] == 'H' &&
           got[2] == 'b';
}
