#!/usr/bin/env python3
"""Checks that saved_vectors.py sees what it is for: self_test.py LIBRARY.a COMPILER..., of self_test.cpp.

Each function of the library is looked at by itself; its name says whether the check must find a fault in it.
"""
import os
import re
import subprocess
import sys

archive, *compiler = sys.argv[1:]
names = re.findall(r' T (f(?:ault|ine)_\w+)', subprocess.run(['nm', archive], check=True, stdout=subprocess.PIPE,
                                                            text=True).stdout)
check = os.path.join(os.path.dirname(__file__), 'saved_vectors.py')
wrong = []
for name in names:
    done = subprocess.run([sys.executable, check, f'--functions={name}', archive, *compiler], stdout=subprocess.PIPE,
                          text=True)
    if done.returncode != name.startswith('fault') or f'from {name}\n' not in done.stdout:
        wrong.append(f'{name}:\n{done.stdout}')
print('\n'.join(wrong) + f'{len(names)} functions, {len(wrong)} judged wrongly')
sys.exit(not names or bool(wrong))
