#!/usr/bin/env python3
"""Checks that saved_vectors.py sees what it is for: self_test.py LIBRARY.a COMPILER..., of self_test.cpp.

Each function of the library is looked at by itself; its name says whether the check must find a fault in it.
"""
import sys

sys.dont_write_bytecode = True # what is beside it is the source
import saved_vectors

code, _ = saved_vectors.load(sys.argv[1], sys.argv[2:])
judged = {name: saved_vectors.check(code, [at])[0] for at, name in code.functions.items()
          if name.startswith(('fault_', 'fine_'))}
wrong = [f'{name}: {faults}' for name, faults in judged.items() if bool(faults) != name.startswith('fault_')]
print(*wrong, f'{len(judged)} functions, {len(wrong)} judged wrongly', sep='\n')
sys.exit(not judged or bool(wrong))
