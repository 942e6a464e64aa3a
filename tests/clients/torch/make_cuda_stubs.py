#!/usr/bin/env python3
"""make_cuda_stubs.py TORCH_LIB OUT: stand-ins for the NVIDIA libraries that PyPI's torch links, so that it can be
imported without them. Every function returns 0, except those of no_cuda.c: there is no device.
"""
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
CUDART = 'libcudart.so.13'
# Libraries whose symbols carry no version, by the names of their functions.
UNVERSIONED = [(r'nccl', 'libnccl.so.2'), (r'cudnn', 'libcudnn.so.9'), (r'cuFile', 'libcufile.so.0'),
               (r'cusparseLt', 'libcusparseLt.so.0'), (r'nvshmem', 'libnvshmem_host.so.3'),
               (r'cu[A-Z]', 'libcuda.so.1')]
SYSTEM = re.compile(r'lib(c|m|pthread|dl|rt|gcc_s|stdc\+\+|util|gomp)\.so|ld-linux|libpython|libc10|libtorch|libshm|'
                    r'libcaffe2')


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def version_owners(library):
    """Version node -> the library that must define it."""
    owners, current = {}, None
    for line in output('readelf', '-V', '-W', library).splitlines():
        if match := re.search(r'File: (\S+)', line):
            current = match[1]
        elif match := re.search(r'Name: (\S+)\s+Flags', line):
            owners[match[1]] = current
    return owners


def needs(library):
    """(soname, symbol, version) of the NVIDIA functions a library uses; soname alone for the libraries it lists."""
    for soname in re.findall(r'NEEDED.*\[(.*)\]', output('readelf', '-d', library)):
        yield soname, None, None
    owners = version_owners(library)
    for line in output('nm', '-D', '--undefined-only', library).splitlines():
        kind, name = line.split()[-2:]
        name, _, version = name.partition('@')
        version = version.lstrip('@')
        if kind != 'U':
            continue
        if version:
            yield owners[version], name, version
            continue
        for pattern, soname in UNVERSIONED:
            if re.match(pattern, name):
                yield soname, name, None
                break


def build(soname, symbols, out, scratch):
    labels = ''.join(f'.weak {s}\n.type {s},@function\n{s}:\n' for s in sorted(symbols))
    source = scratch / f'{soname}.S'
    source.write_text(f'.section .note.GNU-stack,"",@progbits\n.text\n{labels}xor %eax,%eax\nxor %edx,%edx\nret\n')
    command = ['gcc', '-shared', '-fPIC', '-o', out / soname, f'-Wl,-soname,{soname}', source]
    versions = sorted({v for v in symbols.values() if v})
    if versions:
        script = scratch / f'{soname}.map'
        script.write_text(''.join('%s { global: %s };\n' % (v, ' '.join(f'{s};' for s in symbols if symbols[s] == v))
                                  for v in versions))
        command.append(f'-Wl,--version-script={script}')
    if soname == CUDART:
        command.append(HERE / 'no_cuda.c')
    subprocess.run(command, check=True)


def main():
    torch, out = (pathlib.Path(p) for p in sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    stubs = collections.defaultdict(dict)
    for library in sorted(torch.glob('*.so')):
        for soname, symbol, version in needs(library):
            if SYSTEM.match(soname):
                continue
            stubs[soname]
            if symbol:
                stubs[soname][symbol] = version
    with tempfile.TemporaryDirectory() as scratch:
        for soname, symbols in sorted(stubs.items()):
            build(soname, symbols, out, pathlib.Path(scratch))
    print(f'make_cuda_stubs: {len(stubs)} libraries, {sum(map(len, stubs.values()))} functions')


main()
