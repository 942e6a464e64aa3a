#!/usr/bin/env python3
"""check_exports.py LIBRARY LIST: the library exports exactly the names of the list. Clients look for optional names
at run time, so a name that does not work must not be there."""
import subprocess
import sys

output = subprocess.run(['nm', '-D', '--defined-only', sys.argv[1]], capture_output=True, text=True, check=True).stdout
have = {line.split()[2].split('@')[0] for line in output.splitlines() if line.split()[1] in 'TWBDRV'}
want = set(open(sys.argv[2]).read().split())
for name in sorted(want - have):
    print('missing:', name)
for name in sorted(have - want):
    print('not listed:', name)
sys.exit(have != want)
