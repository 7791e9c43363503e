"""growstack's coroutines in gdb, of a live process or of a core file:

    (gdb) source growstack-gdb.py
    (gdb) growstack coroutines       lists them
    (gdb) growstack bt ID            the calls of one, also while it is suspended; options of `backtrace` may follow
    (gdb) growstack bt all           of every one
    (gdb) growstack bt root          of the thread's own stack, below the coroutine that it has resumed

Nothing is written, neither registers nor memory. The library needs no debug info: it describes its records itself
(src/observe/debugger.cpp). A coroutine that does not run has left its registers on its stack; for the time of a command, an
unwinder says that gdb's newest frame was called from there.
"""
import contextlib
import re

import gdb
import gdb.unwinder

SAVING_MOVES = {"rbx": b"\x48\x89\x5c", "rbp": b"\x48\x89\x6c", "r12": b"\x4c\x89\x64", "r13": b"\x4c\x89\x6c",
                "r14": b"\x4c\x89\x74", "r15": b"\x4c\x89\x7c"}  # mov %register, n(%rsp), but for its end
NATIVE_RECORD = ["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"]  # growstack_call_natively's pushes, the last first


# Memory.

def read_bytes(address, size):
    return gdb.selected_inferior().read_memory(address, size).tobytes()


def read_number(address, size):
    return int.from_bytes(read_bytes(address, size), "little")


def read_word(address):
    return read_number(address, 8)


def read_string(address):
    return gdb.Value(address).cast(gdb.lookup_type("char").pointer()).string()


def address_of(symbol):
    """Of a symbol that may have no debug info; None: there is no such symbol."""
    try:
        return int(gdb.parse_and_eval(f"(unsigned long)&{symbol}"))
    except gdb.error:
        return None


class Facts(dict):
    def __missing__(self, name):
        raise gdb.GdbError("growstack: the program's growstack is of another version than this script")


def read_facts():
    """Returns what the library says of its records: a number for each name."""
    table = address_of("growstack_for_debuggers")
    if table is None:
        raise gdb.GdbError("growstack: no symbol growstack_for_debuggers: "
                           "the program is stripped, or not linked with growstack")
    if gdb.selected_thread() is None:
        raise gdb.GdbError("growstack: there is no process and no core file")
    facts, at = Facts(thread=read_word(table + 8)), read_word(table)
    try:
        while name := read_bytes(at, 24).rstrip(b"\0").decode():
            facts[name] = read_word(at + 24) or read_word(at + 32)
            at += 40
    except gdb.MemoryError:
        raise gdb.GdbError("growstack: the program has not begun yet") from None
    return facts


# Contexts: the registers of what does not run.

def read_places():
    """Returns where jump_fcontext puts each register, from sp. Versions of Boost differ, so its code is asked:
    lea -N(%rsp), %rsp, then mov %register, n(%rsp) for each. The return address lies above."""
    jump = address_of("jump_fcontext")
    if jump is None:
        raise gdb.GdbError("growstack: no symbol jump_fcontext: Boost.Context is stripped")
    code = read_bytes(jump, 48)
    places = {"rip": re.search(rb"\x48\x8d\x64\x24(.)", code, re.DOTALL)}
    for name, move in SAVING_MOVES.items():
        places[name] = re.search(re.escape(move) + rb"\x24(.)", code, re.DOTALL)
    if not all(places.values()):
        raise gdb.GdbError("growstack: this version of Boost.Context saves registers in a way that is not known here")
    return {name: place[1][0] if name != "rip" else 256 - place[1][0] for name, place in places.items()}


def read_context(sp, places):
    """Returns the registers that jump_fcontext has saved at sp."""
    registers = {name: read_word(sp + place) for name, place in places.items()}
    return {**registers, "rsp": sp + places["rip"] + 8}


def read_native_context(sp):
    """Returns the registers that growstack_call_natively has saved at sp."""
    registers = {name: read_word(sp + 8 * i) for i, name in enumerate(NATIVE_RECORD)}
    return {**registers, "rsp": sp + 8 * len(NATIVE_RECORD)}


def frames_from(frame):
    while frame is not None:
        yield frame
        frame = frame.older()


@contextlib.contextmanager
def command():
    """Around a command: afterwards selects the frame that is selected now, without a word, and says what was wrong."""
    level = gdb.selected_frame().level() if gdb.selected_thread() else 0
    try:
        yield
    except gdb.MemoryError as error:
        raise gdb.GdbError(f"growstack: {error}. Is this the program that runs, or that the core file is of?") from None
    finally:
        if level:
            next(frame for frame in frames_from(gdb.newest_frame()) if frame.level() == level).select()


class ContextUnwinder(gdb.unwinder.Unwinder):
    """Says that a context called the newest frame, while there is one."""

    def __init__(self):
        super().__init__("growstack")
        self.context = None

    def __call__(self, pending):
        if not self.context:
            return None
        if (int(pending.read_register("rsp")), int(pending.read_register("rip"))) != self.newest:
            return None
        frame_id = type("FrameId", (), {"sp": gdb.Value(self.context["rsp"] - 8), "pc": gdb.Value(self.newest[1])})
        info = pending.create_unwind_info(frame_id)
        for name, value in self.context.items():
            info.add_saved_register(name, gdb.Value(value))
        return info

    @contextlib.contextmanager
    def showing(self, context):
        """Yields the context's innermost frame. Afterwards gdb's frames are as before, and the newest is selected."""
        newest = gdb.newest_frame()
        self.newest = int(newest.read_register("rsp")), int(newest.read_register("rip"))
        self.context = context
        try:
            gdb.invalidate_cached_frames()
            frame = gdb.newest_frame()
            while frame.type() == gdb.INLINE_FRAME:
                frame = frame.older()
            yield frame.older()
        finally:
            self.context = None
            gdb.invalidate_cached_frames()


unwinder = ContextUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def print_frames(frame, arguments):
    """Prints the frame and its callers as `backtrace` does, numbered from 0."""
    count = sum(1 for _ in frames_from(frame))
    skipped = frame.level()
    text = gdb.execute(f"backtrace -no-filters {arguments} -{count}", to_string=True)
    print(re.sub(r"^#(\d+) *", lambda number: f"#{int(number[1]) - skipped:<3}", text, flags=re.MULTILINE), end="")


OWN_NAMES = re.compile(r"(^|\s)(growstack::|growstack_|__morestack|jump_fcontext|ontop_fcontext)")


def is_own(frame):
    """Says if the frame is growstack's, or a signal's: by its name, unless the user's code is in line there."""
    if frame.type() == gdb.SIGTRAMP_FRAME:
        return True
    if not OWN_NAMES.search(re.split(r"[<(](?!anonymous namespace\))", frame.name() or "", maxsplit=1)[0]):
        return False
    line = frame.find_sal()
    return not line.symtab or not line.line or bool(re.search(r"(^|/)growstack/.*\.hpp$", line.symtab.filename))


def shortened(name):
    """Leaves out the arguments of a long name."""
    while len(name) > 60 and (shorter := re.sub(r"<[^<>]+>", "", name)) != name:
        name = shorter
    return name if len(name) <= 60 or "{lambda" in name else re.split(r"\((?!anonymous)", name, maxsplit=1)[0]


def body_of(frames):
    """Returns the type of a coroutine's body, which is in the name of a function that calls it."""
    found = (re.search(r"::type_of<growstack::.*?::run_body, (.*)>::\{lambda\(\)#1\}", f.name() or "") for f in frames)
    return next((match[1] for match in found if match), None)


def place_of(frame):
    """Returns the innermost function of the user's, with its line where that is known. In optimised code there may be
    none left: then the type of the body, or the innermost function."""
    found = next((f for f in frames_from(frame) if not is_own(f)), None)
    if not found and (body := body_of(frames_from(frame))):
        return body
    found = found or frame
    line = found.find_sal()
    place = f" at {line.symtab.filename.rsplit('/', 1)[-1]}:{line.line}" if line.symtab and line.line else ""
    return shortened(found.name() or f"{found.pc():#x}") + place


# Threads, stacks, coroutines.

@contextlib.contextmanager
def selected(thread):
    """Makes another thread gdb's selected one for a while."""
    before = gdb.selected_thread()
    if thread.ptid == before.ptid:
        yield
        return
    thread.switch()
    try:
        yield
    finally:
        before.switch()


class Thread:
    """What growstack keeps of one thread."""

    def __init__(self, facts, thread):
        self.thread = thread
        with selected(thread):
            self.pointer = int(gdb.parse_and_eval("(unsigned long)$fs_base"))
        self.state = (self.pointer + facts["thread"]) % 2**64
        self.running = read_word(self.state + facts["thread.running"])
        self.root = self.state + facts["thread.root"]
        self.waiting = []  # coroutines whose code runs in native()
        call = read_word(self.state + facts["thread.native"])
        while call:
            self.waiting.append(read_word(call + facts["native.caller"]))
            call = read_word(call + facts["native.outer"])


class Coroutine:
    def __init__(self, library, address):
        self.library, self.facts, self.id = library, library.facts, address
        self.thread = next((t for t in library.threads if t.running == address), None)
        self.is_native = any(address in t.waiting for t in library.threads)
        self.memory = self.bounds("stack.memory", address)
        self.resumer = self.word("stack.resumer")

    def word(self, fact):
        return read_word(self.id + self.facts[fact])

    def bounds(self, fact, address):
        return read_word(address + self.facts[fact]), read_word(address + self.facts[fact] + 8)

    @property
    def policy(self):
        kind = read_word(self.word("stack.sizes") + self.facts["sizes.policy"])
        return read_string(read_word(kind + self.facts["policy.name"]))

    @property
    def status(self):
        if self.is_ended:
            return "dead"
        if not self.resumer:
            return "suspended"
        return "running" if self.thread else "normal"

    @property
    def is_started(self):
        return bool(read_number(self.id + self.facts["stack.has_started"], 1) & 1)

    @property
    def is_ended(self):
        return bool(read_number(self.id + self.facts["stack.has_started"], 1) & 2)

    @property
    def chunks(self):
        """The linked ones, the innermost first."""
        chunk, found = self.word("stack.innermost_chunk"), []
        while chunk:
            found.append(chunk)
            chunk = read_word(chunk + self.facts["chunk.older"])
        return found

    @property
    def stack_bytes(self):
        return read_word(self.memory[1] - self.facts["books.bytes"] + self.facts["books.stack_bytes"])

    def used_bytes(self, sp):
        """From the first frame to sp, which is on the innermost memory."""
        used = 0
        for chunk in self.chunks:
            used += chunk - sp
            sp = read_word(chunk + self.facts["chunk.entered_from"])
        return used + self.memory[1] - sp

    @property
    def escape_pieces(self):
        """Of its escape stack, the newest first: lo, hi, and where the escape pointer stood when a newer one came."""
        piece, found = read_word(self.memory[1] - self.facts["books.bytes"] + self.facts["books.escape"]), []
        while piece:
            found.append((*self.bounds("escape.memory", piece), read_word(piece + self.facts["escape.left_at"])))
            piece = read_word(piece + self.facts["escape.older"])
        return found

    def escape_pointer(self, pieces):
        """The thread's, if it runs. Not in what growth calls, which has the thread's own escape stack."""
        offset = read_word(self.facts["escape.offset"])
        pointer = read_word((self.thread.pointer + offset) % 2**64) if self.thread and offset else 0
        is_own = any(lo <= pointer <= hi for lo, hi, _ in pieces)
        return pointer if is_own else self.word("stack.escape_pointer")

    def escape_cells(self):
        """The bytes in use of its escape stack, and its pieces."""
        pieces = self.escape_pieces
        pointer = self.escape_pointer(pieces)
        current = next((i for i, (lo, hi, _) in enumerate(pieces) if lo <= pointer <= hi), None)
        if current is None:
            return ["?" if pieces else "0", str(len(pieces))]
        used = pieces[current][1] - pointer + sum(hi - left_at for _, hi, left_at in pieces[current + 1:])
        return [str(used), str(len(pieces))]

    def innermost(self):
        return self.bounds("chunk.memory", self.chunks[0]) if self.chunks else self.memory

    @contextlib.contextmanager
    def shown(self):
        """Yields its innermost frame, of a coroutine that has one."""
        if self.thread:
            with selected(self.thread.thread):
                yield gdb.newest_frame()
            return
        sp = self.word("stack.context")
        registers = read_native_context(sp) if self.is_native else read_context(sp, self.library.places)
        with unwinder.showing(registers) as frame:
            yield frame

    def sp(self, frame):
        """Where its innermost frames end; None if that cannot be seen. Growth and signal handlers run elsewhere."""
        if not self.thread:
            return self.word("stack.context")
        lo, hi = self.innermost()
        lo -= self.facts["room_bytes"]
        sps = (int(f.read_register("rsp")) for f in frames_from(frame))
        return next((sp for sp in sps if lo <= sp < hi), None)

    def row(self):
        """What is listed of it. One that cannot be read does not hide the others."""
        try:
            return self.readable_row()
        except gdb.error as error:
            return [hex(self.id), "?", self.status, "?", "?", "?", "?", "?", f"({error})"]

    def readable_row(self):
        used, place = 0, "(not started)"
        if self.is_started:
            with self.shown() as frame:
                sp, place = self.sp(frame), self.note() + place_of(frame)
            used = self.used_bytes(sp) if sp else "?"
        return [hex(self.id), self.policy, self.status, str(self.stack_bytes), str(used), str(len(self.chunks)),
                *self.escape_cells(), place]

    def note(self):
        return f"(thread {self.thread.thread.num}) " if self.thread else "(in native) " if self.is_native else ""

    def title(self):
        by = f", resumed by {self.resumer_name()}" if self.status in ("running", "normal") else ""
        return f"coroutine {self.id:#x}, {self.policy}, {self.status}{by}"

    def resumer_name(self):
        thread = next((t for t in self.library.threads if t.root == self.resumer), None)
        return f"thread {thread.thread.num}" if thread else f"coroutine {self.resumer:#x}"

    def print_frames(self, arguments):
        print(self.title() + ":")
        if self.status == "dead":
            print("its body has ended")
        elif not self.is_started:
            print("it has not started")
        else:
            with self.shown() as frame:
                print_frames(frame, arguments)


class Library:
    """growstack in the selected process."""

    def __init__(self):
        self.facts = read_facts()
        self.places = read_places()
        self.threads = []
        for thread in gdb.selected_inferior().threads() if self.facts["thread"] else ():
            with contextlib.suppress(gdb.error):  # one that runs on, or has only begun
                self.threads.append(Thread(self.facts, thread))

    def coroutines(self):
        """All that have a stack. (One of more than 1 GiB is found only while it runs or has resumed another.)"""
        found, blank = set(), 0
        for slot_hi, alignment in self.used_slots():
            stacks = list(self.stacks_that_end_in(slot_hi - alignment, slot_hi))
            blank += alignment <= 4096 and not stacks and self.is_blank(slot_hi)
            found.update(stacks)
        if blank:
            print(f"growstack: {blank} stacks are missing in the core file. gdb's own gcore leaves out memory with "
                  "guard regions: run the program with GROWSTACK_GUARD=mprotect, or let the kernel write the file")
        for thread in self.threads:
            found.update(self.active_on(thread))
        return [Coroutine(self, stack) for stack in sorted(found)]

    def active_on(self, thread):
        """What runs on a thread, and who has resumed it, and so on."""
        for stack in [thread.running, *thread.waiting]:
            while stack and stack not in [t.root for t in self.threads]:
                yield stack
                stack = read_word(stack + self.facts["stack.resumer"])

    def used_slots(self):
        """Yields the high end and the alignment of each slot that may hold a stack, as stack_pool::for_each_used_slot."""
        facts = self.facts
        for lists in ("pool.some_untouched", "pool.all_touched"):
            for c in range(facts["classes"]):
                stride = read_word(facts["classes.stride"] + 8 * c)
                alignment = read_word(facts["classes.alignment"] + 8 * c)
                for span in self.spans(facts["pool"] + facts[lists] + 16 * c):
                    lo = (read_word(span + facts["span.lo"]) << facts["span.lo_shift"]) + \
                        read_number(span + facts["span.slot_offset"], 4)
                    untouched = read_word(span + facts["span.untouched"])
                    for slot in range(read_number(span + facts["span.capacity"], 4)):
                        if not untouched >> slot & 1:
                            yield lo + (slot + 1) * stride, alignment

    def spans(self, head):
        """Yields the spans of a list. It may be half changed, in a process that was stopped just then."""
        seen, node = {0, head}, read_word(head)
        while node not in seen:
            seen.add(node)
            yield node - self.facts["span.hook"]
            node = read_word(node)

    def stacks_that_end_in(self, lo, hi):
        """Yields the stacks whose books, at their high ends, carry the mark."""
        facts = self.facts
        for end in range(hi, lo, -facts["hi_step"]):
            books = end - facts["books.bytes"]
            with contextlib.suppress(gdb.MemoryError):  # no memory there yet
                if read_word(books + facts["books.mark"]) != facts["books.whole"]:
                    continue
                stack = read_word(books + facts["books.self"])
                if read_word(stack + facts["stack.memory"] + 8) == end:
                    yield stack

    def is_blank(self, hi):
        """Says if a slot's end has never been written to, as those of stacks and chunks have."""
        try:
            return not any(read_bytes(hi - 4096, 4096))
        except gdb.MemoryError:
            return True

    def coroutine(self, address):
        found = next((c for c in self.coroutines() if c.id == address), None)
        if not found:
            raise gdb.GdbError(f"growstack: there is no coroutine {address:#x}: see `growstack coroutines`")
        return found

    def own_stack(self):
        """Returns the context in which the selected thread has resumed a coroutine."""
        thread = next((t for t in self.threads if t.thread.ptid == gdb.selected_thread().ptid), None)
        if not thread or thread.running in (0, thread.root):
            raise gdb.GdbError("growstack: no coroutine runs on this thread: `backtrace` shows its own stack")
        return read_context(read_word(thread.root + self.facts["stack.context"]), self.places)


# Commands.

class Growstack(gdb.Command):
    """Looks at growstack's coroutines: growstack coroutines, growstack bt."""

    def __init__(self):
        super().__init__("growstack", gdb.COMMAND_STACK, prefix=True)


class Coroutines(gdb.Command):
    """Lists all coroutines that have not ended: growstack coroutines.

STACK is the memory of a coroutine's stack and USED what its frames take of it, in bytes; CHUNKS those linked; WHERE the
innermost function that is not growstack's. In a safe build also ESCAPE: the bytes in use on its escape stack, and
PIECES, of which that consists."""

    HEADER = ["ID", "POLICY", "STATUS", "STACK", "USED", "CHUNKS", "ESCAPE", "PIECES", "WHERE"]

    def __init__(self):
        super().__init__("growstack coroutines", gdb.COMMAND_STACK)

    @command()
    def invoke(self, arguments, from_tty):
        library = Library()
        found = library.coroutines()
        alive = [c for c in found if c.status != "dead"]
        rows = [self.HEADER, *(c.row() for c in alive)]
        if not read_word(library.facts["escape.offset"]):
            rows = [row[:6] + row[8:] for row in rows]
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            names = [cell.ljust(width) for cell, width in zip(row[:3], widths)]
            numbers = [cell.rjust(width) for cell, width in zip(row[3:-1], widths[3:])]
            print("  ".join([*names, *numbers, row[-1]]))
        ended = len(found) - len(alive)
        print(f"{len(alive)} alive" + (f"; {ended} ended, whose stacks wait for the next ones" if ended else ""))


class Backtrace(gdb.Command):
    """Prints the calls of a coroutine, which may be suspended: growstack bt ID | all | root [ARGUMENTS].

ID is a number that `growstack coroutines` lists, or an expression. root is the selected thread's own stack, where it
has resumed a coroutine. ARGUMENTS are those of `backtrace`, but for a count: full, -frame-arguments none."""

    def __init__(self):
        super().__init__("growstack bt", gdb.COMMAND_STACK)

    @command()
    def invoke(self, arguments, from_tty):
        which, _, rest = arguments.partition(" ")
        library = Library()
        if not which:
            raise gdb.GdbError("growstack bt: of which? ID, all, or root")
        if which == "root":
            with unwinder.showing(library.own_stack()) as frame:
                print_frames(frame, rest)
        elif which == "all":
            for coroutine in library.coroutines():
                if coroutine.status != "dead":
                    coroutine.print_frames(rest)
                    print()
        else:
            library.coroutine(int(gdb.parse_and_eval(f"(unsigned long)({which})"))).print_frames(rest)


Growstack()
Coroutines()
Backtrace()
