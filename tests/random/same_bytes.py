"""The same bytes with 1, 2 and 4 threads: same_bytes.py RANDOM_TEST"""
import os
import subprocess
import sys


def digests(program, threads):
    env = dict(os.environ, BELAY_THREADS=str(threads))
    out = subprocess.run([program, "--digest", "--graphs=12"], env=env, capture_output=True, text=True, timeout=300)
    if out.returncode != 0:
        sys.exit(f"with {threads} threads: exit {out.returncode}: {out.stderr.strip()}")
    return out.stdout.splitlines()


def main():
    program = sys.argv[1]
    one = digests(program, 1)
    failures = 0
    for threads in (2, 4):
        for a, b in zip(one, digests(program, threads), strict=True):
            if a != b:
                print(f"seed {a.split()[0]}: {threads} threads give other bytes than one")
                failures += 1
    print(f"{len(one)} graphs, {failures} differences")
    sys.exit(1 if failures or not one else 0)


main()
