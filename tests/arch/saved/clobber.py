#!/usr/bin/env python3
"""Makes of growth's objects a library in which every call of what is outside destroys all vector registers first.

    clobber.py OUTPUT.a COMPILER... -- OBJECT...      the objects that are compiled for general registers only

What a function of libc or the system happens to leave alone, today and on this machine, hides that nobody has saved it.
Here each function that these objects call and do not define is renamed to one that calls test_destroy_vectors
(destroy_vectors.S) and then jumps to it. What is in a register after such a call is what was saved before.
"""
import os
import re
import subprocess
import sys
import tempfile

PREFIX = 'test_destroy_and_'
LEFT_ALONE = {'__tls_get_addr',       # the linker takes its calls out, and must find them as they are
              'test_destroy_vectors'}
NOTES = ''.join(f'        .section .note.GNU-{name},"",@progbits\n'
                for name in ('stack', 'split-stack', 'no-split-stack'))
STUB = '''        .globl {prefix}{name}
        .type {prefix}{name}, @function
{prefix}{name}:
        call test_destroy_vectors
        jmp {name}@PLT
        .size {prefix}{name}, .-{prefix}{name}
'''


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def called_outside(objects):
    """The functions that they call and do not define. Weak ones may be absent: those are a sanitizer's."""
    defined, undefined = set(), set()
    for line in output_of('nm', *objects).splitlines():
        fields = line.split()
        if len(fields) == 3:
            defined.add(fields[2])
        elif len(fields) == 2 and fields[0] == 'U':
            undefined.add(fields[1])
    called = set(re.findall(r'R_X86_64_PLT32 +[0-9a-f]+ +(\S+)', output_of('readelf', '-rW', *objects)))
    return sorted((called & undefined) - defined - LEFT_ALONE)


def main(arguments):
    middle = arguments.index('--')
    output, *compiler = arguments[:middle]
    objects = arguments[middle + 1:]
    names = called_outside(objects)
    with tempfile.TemporaryDirectory() as folder:
        with open(f'{folder}/names', 'w', encoding='ascii') as file:
            file.writelines(f'{name} {PREFIX}{name}\n' for name in names)
        with open(f'{folder}/stubs.S', 'w', encoding='ascii') as file:
            file.write('        .text\n' + ''.join(STUB.format(prefix=PREFIX, name=name) for name in names) + NOTES)
        made = [f'{folder}/stubs.o']
        subprocess.run([*compiler, '-c', f'{folder}/stubs.S', '-o', made[0]], check=True)
        for i, each in enumerate(objects):
            made.append(f'{folder}/{i}-{os.path.basename(each)}')
            subprocess.run(['objcopy', f'--redefine-syms={folder}/names', each, made[-1]], check=True)
        if os.path.exists(output):
            os.remove(output)
        subprocess.run(['ar', 'qcs', output, *made], check=True)
    print(f'calls of {len(names)} functions destroy the vector registers')


if __name__ == '__main__':
    main(sys.argv[1:])
