#!/usr/bin/env python3
"""make_dist.py SOURCE DIST: lays DIST out like CANN's toolkit; the linker fills lib64 and bin."""
import os
import pathlib
import shutil
import sys

import gen_op_headers

SET_ENV = """# Source this file from bash or zsh, or from this folder in any shell: it points the usual variables
# at this tree, wherever it stands. Programs need LD_LIBRARY_PATH alone.
if [ -n "${BASH_SOURCE:-}" ]; then
  _belay_self="$BASH_SOURCE"
elif [ -n "${ZSH_VERSION:-}" ]; then
  eval '_belay_self="${(%):-%x}"'
else
  _belay_self="./set_env.sh"
fi
ASCEND_TOOLKIT_HOME="$(cd "$(dirname "$_belay_self")" && pwd)"
unset _belay_self
if [ -d "$ASCEND_TOOLKIT_HOME/lib64" ]; then
  export ASCEND_TOOLKIT_HOME
  export ASCEND_HOME_PATH="$ASCEND_TOOLKIT_HOME"
  export ASCEND_OPP_PATH="$ASCEND_TOOLKIT_HOME/opp"
  export LD_LIBRARY_PATH="$ASCEND_TOOLKIT_HOME/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export PATH="$ASCEND_TOOLKIT_HOME/bin:$PATH"
else
  echo "set_env.sh: this shell does not say where the file is: source it from its own folder" >&2
  unset ASCEND_TOOLKIT_HOME
fi
"""


def write_if_changed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def copy_headers(source, target):
    """Copies what changed and drops what is gone, so that builds against the tree stay incremental."""
    wanted = set()
    for path in sorted(source.rglob("*")):
        if path.is_file():
            relative = path.relative_to(source)
            wanted.add(relative)
            write_if_changed(target / relative, path.read_text(encoding="utf-8"))
    for path in sorted(target.rglob("*")):
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()


def link(path, to):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() and os.readlink(path) == to:
        return
    if path.is_symlink() or path.exists():
        path.unlink() if not path.is_dir() or path.is_symlink() else shutil.rmtree(path)
    path.symlink_to(to)


def main():
    source, dist = (pathlib.Path(p) for p in sys.argv[1:3])
    for folder in ("lib64", "bin", "include"):
        (dist / folder).mkdir(parents=True, exist_ok=True)
    copy_headers(source / "include", dist / "include")
    gen_op_headers.write_headers(source / "data" / "ops", dist / "opp" / "built-in" / "op_proto" / "inc",
                                 write_if_changed)
    for package in ("acllib", "compiler", "runtime"):
        link(dist / package / "lib64", "../lib64")
        link(dist / package / "include", "../include")
    write_if_changed(dist / "set_env.sh", SET_ENV)


if __name__ == "__main__":
    main()
