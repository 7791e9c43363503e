#!/usr/bin/env python3
"""Checks that growth calls nothing outside of the library before it has saved the vector registers.

    saved_vectors.py LIBGROWSTACK.a COMPILER...

Growth runs in the prologue of a function whose arguments lie in vector registers. This reads the machine code of every
function that growth can get to and follows each path through it. growstack_save_vectors makes safe what comes after it,
until growstack_load_vectors. Before that, on a path that leads back to the function whose check has failed, these are
failures: a call of a function that the library does not define (one that the compiler has put there, too: memcpy), a
call through a pointer, an instruction that uses a vector register. A path that ends in a throw or in abort() may do it.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

SAVE, LOAD = 'growstack_save_vectors', 'growstack_load_vectors'
ASSEMBLY = '__morestack'
# What it calls while nobody's arguments are in registers: an alloca is an ordinary call.
NOT_IN_A_PROLOGUE = {'growstack_allocate', '_Unwind_Resume'}
# Jumps to a policy's make_room, through a pointer. All of these are looked at.
DISPATCHER, POLICY = 'growstack_make_room', re.compile(r'_ZN9growstack4grow\d+\w+_policyE')
NO_RETURN = re.compile(r'abort|_?exit|__cxa_(re)?throw|_Unwind_Resume|__assert_fail|_ZSt9terminatev|_ZSt\d+__throw_.*')
# A switch: through a table of distances. Any other jump through a pointer is a last call.
TABLE_JUMP, DISTANCE_ADDED = re.compile(r'^jmp +\*(%\w+)$'), re.compile(r'^add +(%\w+),(%\w+)$')
INSTRUCTION = re.compile(r'^ +([0-9a-f]+):\t((?:(?:bnd|notrack|data16|rex\S*|[cd]s|lock|repz?) +)*)'
                         r'([^#]*)(?:# ([0-9a-f]+))?')
PLT_ENTRY = re.compile(r'^([0-9a-f]+) <(.*)@plt>:$')
DIRECT = re.compile(r'^([0-9a-f]+) <[^>]*>$')
VECTOR = re.compile(r'%[xyz]?mm\d|^f[a-z]+|^emms|^vzero')

Instruction = collections.namedtuple('Instruction', 'text target following cases')
State = collections.namedtuple('State', 'at saved')  # before an instruction: how many times the registers are saved


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Code:
    """A shared library's machine code, and which of its functions return."""

    def __init__(self, library):
        self.functions, self.objects, self.plt, self.instructions = {}, {}, {}, {}
        for line in output_of('nm', '-S', '--defined-only', library).splitlines():
            fields = line.split()
            if fields[-2] in 'tTwW':
                self.functions.setdefault(int(fields[0], 16), fields[-1])
            if len(fields) == 4:
                self.objects[fields[3]] = range(int(fields[0], 16), int(fields[0], 16) + int(fields[1], 16))
        section = re.search(r' \.rodata +(\w+) +(\w+) +\w+ +(\w+)', output_of('objdump', '-h', library))
        size, self.constants_lo, offset = (int(number, 16) for number in section.groups())
        self.constants = pathlib.Path(library).read_bytes()[offset:offset + size]
        self._read(output_of('objdump', '-d', '--no-show-raw-insn', library))
        self.returning = set(at for at, name in self.plt.items() if not NO_RETURN.fullmatch(name))
        self._find_returning()

    def _read(self, disassembly):
        lines = disassembly.splitlines()
        self.plt = {int(m[1], 16): m[2] for m in map(PLT_ENTRY.match, lines) if m}
        read = [m for m in map(INSTRUCTION.match, lines) if m]
        for i, this in enumerate(read):
            text = this[3].strip()
            direct = DIRECT.match(text.partition(' ')[2].strip()) if text[0] in 'cj' else None
            self.instructions[int(this[1], 16)] = Instruction(
                text, int(direct[1], 16) if direct else None, int(read[i + 1][1], 16) if i + 1 < len(read) else None,
                self._cases(read[max(i - 30, 0):i + 1]))

    def _cases(self, before):
        """Where a switch goes on, if the last of these instructions is its jump: table + the table's word."""
        texts = [m[3].strip() for m in before]
        jump, added = TABLE_JUMP.match(texts[-1]), DISTANCE_ADDED.match(texts[-2]) if texts[1:] else None
        bases = [int(m[4], 16) for m in before if added and m[4] and m[3].strip().endswith(',' + added[1])]
        if not jump or not bases or jump[1] != added[2]:
            return None
        cases, at = [], int(before[-1][1], 16)
        hi = min((entry for entry in self.functions if entry > at), default=sys.maxsize)
        lo = max(entry for entry in self.functions if entry <= at)
        for i in range(0, 1024, 4):
            word = self.constants[bases[-1] + i - self.constants_lo:][:4]
            case = bases[-1] + int.from_bytes(word, 'little', signed=True)
            if not lo <= case < hi:
                break
            cases.append(case)
        return cases

    def _find_returning(self):
        waiting, before = set(self.functions) & set(self.instructions), None
        while waiting != before:
            before = set(waiting)
            for entry in before:
                if Paths(self, entry).exits:
                    self.returning.add(entry)
                    waiting.discard(entry)

    def name(self, at):
        return self.plt.get(at) or self.functions.get(at)

    def function_at(self, at):
        """The name of the function that the address lies in."""
        return self.functions[max(entry for entry in self.functions if entry <= at)]

    def pointers_in(self, library, name):
        """The functions that a constant object has pointers to: policies."""
        for line in output_of('readelf', '-rW', library).splitlines():
            fields = line.split()
            if 'R_X86_64_RELATIVE' in fields and any(int(fields[0], 16) in place for object, place in
                                                     self.objects.items() if name.fullmatch(object)):
                if int(fields[-1], 16) in self.functions:
                    yield int(fields[-1], 16)


class Paths:
    """All paths from a function's entry to where it returns. A jump into another function is followed, too."""

    def __init__(self, code, entry):
        self.code, self.edges, self.exits, self.faults = code, {}, set(), {}
        self.may_dispatch = code.functions[entry] == DISPATCHER
        waiting = [State(entry, 0)]
        while waiting:
            state = waiting.pop()
            if state not in self.edges:
                self.edges[state] = list(self._after(state))
                waiting += self.edges[state]

    def _after(self, state):
        instruction, saved = self.code.instructions[state.at], state.saved
        operation = instruction.text.split()[0]
        if operation.startswith('ret'):
            return self._leave(state, saved)
        if instruction.cases is not None:
            # What stands behind the table may look like more of it.
            return [State(case, saved) for case in instruction.cases if case in self.code.instructions]
        if operation in ('call', 'jmp') and (instruction.target is None or instruction.target in self.code.plt
                                             or self.code.name(instruction.target) in (SAVE, LOAD)):
            return self._after_leaving(state, instruction, operation == 'jmp')
        if operation == 'call':
            return [State(instruction.following, saved)] if instruction.target in self.code.returning else []
        if operation == 'jmp':
            return [State(instruction.target, saved)]
        if operation in ('ud2', 'hlt', 'int3'):
            return []
        if VECTOR.search(instruction.text) and not saved:
            self.faults[state] = f'uses a vector register: {instruction.text}'
        beside = [State(instruction.target, saved)] if instruction.target is not None else []
        return beside + [State(instruction.following, saved)]

    def _after_leaving(self, state, instruction, is_jump):
        """A call, or a jump as its last call, of what is not the library's, or of what saves or loads the registers."""
        name, saved = self.code.name(instruction.target), state.saved
        if name in (SAVE, LOAD):
            saved += 1 if name == SAVE else -1
        elif instruction.target is not None and instruction.target not in self.code.returning:
            return []
        elif not saved and not (is_jump and self.may_dispatch):
            self.faults[state] = f'calls {name}' if name else f'calls through a pointer: {instruction.text}'
        return self._leave(state, saved) if is_jump else [State(instruction.following, saved)]

    def _leave(self, state, saved):
        self.exits.add(state)
        if saved:
            self.faults[state] = 'does not load what it has saved'
        return []

    def that_return(self):
        """The states from which it can return."""
        before = collections.defaultdict(list)
        for state, following in self.edges.items():
            for after in following:
                before[after].append(state)
        found, waiting = set(), list(self.exits)
        while waiting:
            state = waiting.pop()
            if state not in found:
                found.add(state)
                waiting += before[state]
        return found


def check(code, entries):
    """Returns what is wrong, in words, and how many functions have been looked at."""
    callers, waiting, wrong = {entry: '' for entry in entries}, list(entries), []
    while waiting:
        entry = waiting.pop()
        paths = Paths(code, entry)
        chain = callers[entry] + code.functions[entry]
        for state in sorted(paths.that_return()):
            if state in paths.faults:
                wrong.append(f'{code.function_at(state.at)} {paths.faults[state]}\n    by way of {chain}')
            instruction = code.instructions[state.at]
            is_call = instruction.text.startswith('call') and not state.saved and instruction.target in code.functions
            if is_call and instruction.target not in callers and code.name(instruction.target) not in (SAVE, LOAD):
                callers[instruction.target] = chain + ' > '
                waiting.append(instruction.target)
    return wrong, len(callers)


def entries_of_growth(code, library):
    """What the assembly calls in a prologue, and what the first of it calls through a pointer."""
    body = code.objects.get(ASSEMBLY, ())
    called = {i.target for at, i in code.instructions.items() if at in body and i.text.startswith('call') and i.target}
    return {at for at in called if code.name(at) not in NOT_IN_A_PROLOGUE} | set(code.pointers_in(library, POLICY))


def load(archive, compiler):
    """Returns the code of a static library, and the functions of growth that are called first."""
    with tempfile.TemporaryDirectory() as folder:
        library = f'{folder}/library.so'
        subprocess.run([*compiler, '-shared', '-Wl,-Bsymbolic', '-Wl,--whole-archive', archive,
                        '-Wl,--no-whole-archive', '-o', library], check=True)
        code = Code(library)
        return code, entries_of_growth(code, library)


def main(arguments):
    code, entries = load(arguments[0], arguments[1:])
    print('from', ', '.join(sorted(code.functions[at] for at in entries)))
    wrong, count = check(code, entries)
    print(subprocess.run(['c++filt'], input='\n'.join(sorted(wrong)), stdout=subprocess.PIPE, text=True).stdout)
    print(f'{count} functions that may run with nothing saved, {len(wrong)} faults')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
