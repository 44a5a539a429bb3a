"""A checkpoint of 1,000 variables and 1 GB, and one of two variables and 1 GB, opened in the inspector.

    python -m benchmarks.inspector

What the command `inspect` takes, and what the page asks of the server: seconds, those of the processor
(which nobody else lengthens), and memory: the most that the process of the command has had, and by
how much the server's has grown since it was ready. A Markdown table.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import ROOT, ask, free_port, process, wait_until_it_answers
from shadowboard.configuration import RunConfig
from shadowboard.settings import Settings
from shadowboard.store import Store

MODELS = {"1,000 variables of 1 MB": (1000, 512, 512), "2 variables of 512 MB": (2, 2**18, 512)}
STEP = 100

# Each in a process of its own, which tells the most memory that it has had.
_WRITE = """
import sys
from pathlib import Path
import numpy as np
from shadowboard.checkpoints import save
folder, step, count, rows, columns = Path(sys.argv[1]), *map(int, sys.argv[2:])
random = np.random.default_rng(0)
tensors = {"global_step": np.int64(step)}
for i in range(count // 2):
    raw = random.standard_normal((rows, columns), np.float32)
    tensors[f"layer{i}/kernel"] = raw
    tensors[f"layer{i}/kernel/ExponentialMovingAverage"] = raw * np.float32(0.99)
save(folder, step, tensors)
"""
_INSPECT = """
import sys
from pathlib import Path
from shadowboard.cli import main
try:
    main()
finally:
    sys.stderr.write(Path("/proc/self/status").read_text())
"""


class Cost(NamedTuple):
    """Of one question."""

    seconds: float
    processor: float
    """Seconds."""
    memory: int
    """MiB."""


def command(folder: Path, *options: str) -> Cost:
    """What `inspect` takes."""
    began = time.monotonic()
    call = [sys.executable, "-c", _INSPECT, "inspect", "--folder", str(folder), *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(call, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as started:
        assert started.stderr is not None
        told = started.stderr.read()
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise RuntimeError(told)
    return Cost(time.monotonic() - began, usage.ru_utime + usage.ru_stime, _most(told))


def _most(status: str) -> int:
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@contextmanager
def serving(home: Path, run: str) -> Iterator[Callable[[str], Cost]]:
    """A server that is ready, to be asked for a path."""
    port, log = free_port(), home / "serve.log"
    call = [sys.executable, "-m", "shadowboard.cli", "serve", "--home", str(home), "--port", str(port)]
    with process(call, {}, log) as started:
        url, proc = f"http://127.0.0.1:{port}", Path(f"/proc/{started.pid}")
        wait_until_it_answers(started, f"{url}/runs/{run}/checkpoints", None, log)  # with TensorFlow
        time.sleep(5)  # the evaluator has found that it can do nothing with these checkpoints
        ready = _most((proc / "status").read_text())

        def look(path: str) -> Cost:
            (proc / "clear_refs").write_text("5")  # the most memory is counted from here on
            before, began = _processor(proc), time.monotonic()
            ask(url + path)
            seconds = time.monotonic() - began
            grown = _most((proc / "status").read_text()) - ready
            return Cost(seconds, _processor(proc) - before, max(0, grown))

        yield look


def _processor(proc: Path) -> float:
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(home: Path, model: tuple[int, int, int]) -> Iterator[tuple[str, Cost]]:
    """What was asked, and what it took."""
    settings = Settings(home=home)
    with closing(Store(settings.store_url)) as store:
        run = store.create_run(RunConfig(steps=STEP), worker="w")
        folder = settings.run_folder(run.id)
        subprocess.run(
            [sys.executable, "-c", _WRITE, folder, *map(str, (STEP, *model))], cwd=ROOT, check=True
        )
        store.add_checkpoint(run.id, "w", STEP, 0)
        store.release(run.id, "w", "finished", "")
    for options in ((), ("--match", "layer0/", "--statistics"), ("--statistics",)):
        yield f"`{' '.join(('shadowboard inspect', *options))}`", command(folder, *options)
    there = f"/runs/{run.id}/checkpoints/{STEP}"
    with serving(home, run.id) as look:
        for path in ("variables?statistics=false", "restore-map?ema=true", "variable?name=layer0/kernel"):
            yield f"the page: `…/{path}`", look(f"{there}/{path}")


def main() -> None:
    """Write, measure, and print the table."""
    print("| checkpoint | what | seconds | of the processor | MiB |")
    print("| --- | --- | ---: | ---: | ---: |")
    for name, model in MODELS.items():
        with tempfile.TemporaryDirectory() as home:
            for what, cost in measure(Path(home), model):
                memory = f"{'+' if 'page' in what else ''}{cost.memory}"
                print(
                    f"| {name} | {what} | {cost.seconds:.2f} | {cost.processor:.2f} | {memory} |", flush=True
                )


if __name__ == "__main__":
    main()
