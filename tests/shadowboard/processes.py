"""Processes that do the same at the same moment."""

import json
import subprocess
import sys
from pathlib import Path

# One imports what all need, which takes the longest, and becomes as many as there are lists of arguments.
FORKING = """
import json, os, sys
from shadowboard import upgrade
from shadowboard.records import Metric, Score
from shadowboard.store import Store

folder, code, every = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
at_once, go = os.pipe()
for number, arguments in enumerate(every):
    if not os.fork():
        os.close(go)
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}/{number}.{name}", os.O_WRONLY | os.O_CREAT), descriptor)
        os.read(at_once, 1)
        exec(code)
        sys.exit()
os.close(go)
for _ in every:
    os.wait()
"""


def together(folder: Path, code: str, *arguments: list[str]) -> tuple[list[str], list[str]]:
    """What each process writes to stdout and stderr; one for each list of `arguments`, all let go at once."""
    folder.mkdir()
    command = [sys.executable, "-c", FORKING, str(folder), code, json.dumps(arguments)]
    subprocess.run(command, check=True, timeout=120)
    outs, errors = (
        [(folder / f"{number}.{name}").read_text() for number in range(len(arguments))]
        for name in ("out", "err")
    )
    return outs, errors
