#!/usr/bin/env python3
"""run.py DIST ENVIRONMENT [NAME...]: PyPI's torch and torch-npu on the libraries of DIST.

The programs of programs.py run four times: compiled for static and for dynamic shapes; through the loading and
executing calls that the client finds at run time, and without these through RunGraphWithStreamAsync. Each program is
a case, and so is each process: it must end by itself with status 0, by the way it was meant to take, with the client's
memory and allocator in use. The last line is the count.
"""
import functools
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
TIMEOUT = 600
FAST = b'GeSessionLoadGraph'  # found by the client with dlsym
# The client's log of a run by each way.
WAYS = {'fast': 'Start to session execute graph', 'stream': 'Start to session run graph'}
STATIC_MARKS = ['register allocator', 'AllocAndUpdateFeatureMemory success']
DYNAMIC_MARKS = ['register allocator']


def hide_symbol(library, name):
    """Makes a symbol of a 64-bit ELF file hidden: dlsym passes it by, the library's own references stay bound."""
    at, = struct.unpack_from('<Q', library, 0x28)
    size, count = struct.unpack_from('<HH', library, 0x3A)
    # Per section: type, offset, bytes, linked section.
    sections = [struct.unpack_from('<4xI16xQQI', library, at + i * size) for i in range(count)]
    hidden = 0
    for kind, start, length, link in sections:
        if kind != 11:  # SHT_DYNSYM
            continue
        names = sections[link][1]
        for entry in range(start, start + length, 24):
            text = names + struct.unpack_from('<I', library, entry)[0]
            if library[text:text + len(name) + 1] == name + b'\0':
                library[entry + 5] = 2  # STV_HIDDEN
                hidden += 1
    assert hidden == 1, (name, hidden)


def library_without_fast_calls(dist, folder):
    library = bytearray((dist / 'lib64' / 'libge_runner.so').read_bytes())
    hide_symbol(library, FAST)
    (folder / 'libge_runner.so').write_bytes(library)


class Count:
    passed = failed = 0

    def add(self, name, problem=''):
        print(f"{'FAILED' if problem else 'ok    '} {name}{': ' if problem else ''}{problem}", flush=True)
        self.passed += not problem
        self.failed += bool(problem)


def python(dist, libraries, environment, arguments):
    """Status (or None when it had to be killed), standard output, standard error. `libraries`: folders before dist's."""
    variables = dict(os.environ, OMP_NUM_THREADS='1', TNG_LOG_LEVEL='0')
    script = '. "$0/set_env.sh" && LD_LIBRARY_PATH="$1:$LD_LIBRARY_PATH" exec "${@:2}"'
    command = ['bash', '-c', script, dist, ':'.join(map(str, libraries)), environment / 'bin' / 'python', *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors='replace', env=variables,
                              timeout=TIMEOUT, cwd=HERE)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as e:
        return None, (e.stdout or b'').decode(errors='replace'), (e.stderr or b'').decode(errors='replace')


def ending(status, log, marks, absent):
    if status is None:
        return f'did not end in {TIMEOUT} s'
    if status != 0:
        return f'ended with status {status}'
    for mark in marks:
        if mark not in log:
            return f"the client's log lacks '{mark}'"
    return f"the client's log has '{absent}'" if absent and absent in log else ''


def show(log):
    lines = [line for line in log.splitlines() if not re.search(r'TORCHAIR|^\s*$', line)]
    print('\n'.join('    ' + line[:300] for line in lines[-40:]))


def run_programs(run, names, dynamic, way, count):
    shape = 'dynamic' if dynamic else 'static'
    status, out, log = run(['programs.py', *(['--dynamic'] if dynamic else []), *names])
    results = dict(re.findall(r'^(?:ok|FAILED) ([\w-]+)(?:: (.*))?$', out, re.MULTILINE))
    failed = False
    for name in names:
        problem = results.get(name, 'did not get so far')
        failed = failed or bool(problem)
        count.add(f'{name}, {shape}, {way}', problem)
    marks = [WAYS[way]] + (DYNAMIC_MARKS if dynamic else STATIC_MARKS)
    other = WAYS['stream' if way == 'fast' else 'fast']
    problem = ending(status, out + log, marks, other)
    count.add(f'end of the process, {shape}, {way}', problem)
    if failed or problem:
        show(log)


def main():
    dist, environment = (pathlib.Path(p).absolute() for p in sys.argv[1:3])
    names = sys.argv[3:] or re.findall(r'^@program\ndef (\w+)', (HERE / 'programs.py').read_text(), re.MULTILINE)
    names = [n.replace('_', '-') for n in names]
    stubs = environment / 'cuda_stubs'
    count = Count()
    status, _, log = python(dist, [stubs], environment, ['-c', 'import torch, torch_npu, torchair'])
    count.add('import', ending(status, log, [], ''))
    if status != 0:
        show(log)
    with tempfile.TemporaryDirectory() as folder:
        library_without_fast_calls(dist, pathlib.Path(folder))
        for way in WAYS:
            folders = [stubs] if way == 'fast' else [folder, stubs]
            run = functools.partial(python, dist, folders, environment)
            for dynamic in (False, True):
                run_programs(run, names, dynamic, way, count)
    print(f'{count.passed} passed, {count.failed} failed')
    sys.exit(count.failed > 0)


main()
