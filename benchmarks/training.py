"""Training speed of Shadowboard and its peers in one run, as a Markdown table on standard output.

Every round runs every contender once, each in a process of its own, one after the other. Ratios are taken
within a round, so a machine that is busy for a while slows both sides of a ratio. From the project's folder:

    python -m benchmarks.training [--rounds 3] [--only shadowboard --only jax]
"""

import argparse
import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from benchmarks.workload import STEPS, WINDOW, WINDOWS

ROOT = Path(__file__).parent.parent
PEERS_PYTHON = ROOT / ".bench-venv" / "bin" / "python"
TIME_LIMIT = 600
QUIET = 0.05  # others may take this share of the machine without a word


class Contender(NamedTuple):
    """A module to run, in the project's environment or in the peers'."""

    module: str
    in_peers_environment: bool = False
    environment: Mapping[str, str] = MappingProxyType({})


OURS, LIMIT = "shadowboard", "numpy"
CONTENDERS = {
    OURS: Contender("benchmarks.contender"),
    "jax": Contender("benchmarks.peers.jax_scan", in_peers_environment=True),
    "torch": Contender("benchmarks.peers.torch_averaged_model", in_peers_environment=True),
    "keras": Contender("benchmarks.peers.keras_use_ema"),
    "compat_v1": Contender("benchmarks.peers.compat_v1"),
    LIMIT: Contender("benchmarks.peers.numpy_matmul"),
    "numpy_avx2": Contender("benchmarks.peers.numpy_matmul", environment={"OPENBLAS_CORETYPE": "Haswell"}),
}

Results = dict[str, list[dict[str, Any]]]  # contender → its report in each round


def run_contender(contender: Contender) -> dict[str, Any]:
    """The contender's line of JSON. Raises RuntimeError with its last line on standard error."""
    before = cpu_seconds()
    python = str(PEERS_PYTHON) if contender.in_peers_environment else sys.executable
    environment = {
        # OpenBLAS knows best which kernel suits the processor, whatever a shell has set.
        **{name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")},
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        **contender.environment,
    }
    done = subprocess.run(
        [python, "-m", contender.module],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["(nothing on standard error)"])[-1]
        raise RuntimeError(f"{contender.module} ended with {done.returncode}: {last}")
    report: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**report, "others": others_share(before, cpu_seconds())}


class CpuSeconds(NamedTuple):
    """CPU time so far: of the whole machine, of it not idle, and of this process's finished children."""

    total: float
    busy: float
    children: float


def cpu_seconds() -> CpuSeconds | None:
    """None where there is no /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    # user nice system idle iowait irq softirq steal
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    per_second = os.sysconf("SC_CLK_TCK")
    idle = ticks[3] + ticks[4]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = sum(ticks)
    return CpuSeconds(total / per_second, (total - idle) / per_second, children.ru_utime + children.ru_stime)


def others_share(before: CpuSeconds | None, after: CpuSeconds | None) -> float:
    """The share of the machine that went to processes other than the contender, from 0 to 1."""
    if before is None or after is None:
        return 0.0
    total, busy, children = (b - a for a, b in zip(before, after, strict=True))
    return max(0.0, (busy - children) / total) if total else 0.0


def run_rounds(names: list[str], rounds: int) -> Results:
    """Every contender once a round; progress on standard error."""
    results: Results = {name: [] for name in names}
    for number in range(1, rounds + 1):
        for name in names:
            report = run_contender(CONTENDERS[name])
            results[name].append(report)
            progress = f"round {number} of {rounds}: {name} {report['steps_per_second']:.0f} steps/s"
            if report["others"] > QUIET:
                progress += f", while others took {report['others']:.0%} of the machine"
            print(progress, file=sys.stderr, flush=True)
    return results


def ratio(results: Results, name: str, base: str) -> str:
    """The median over the rounds of name's speed over base's."""
    if base not in results:
        return "–"
    pairs = zip(results[name], results[base], strict=True)
    return f"{statistics.median(a['steps_per_second'] / b['steps_per_second'] for a, b in pairs):.2f}"


def table(results: Results) -> str:
    """The results as Markdown, the fastest first."""
    medians = {
        name: statistics.median(report["steps_per_second"] for report in reports)
        for name, reports in results.items()
    }
    lines = [
        "| contender | steps/s | lowest–highest | of the limit | of Shadowboard | averaged accuracy |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in sorted(results, key=lambda name: -medians[name]):
        reports = results[name]
        speeds = [report["steps_per_second"] for report in reports]
        score = reports[-1]["averaged_accuracy"]
        cells = [
            f"**{reports[-1]['name']}**" if name == OURS else str(reports[-1]["name"]),
            f"{medians[name]:.0f}",
            f"{min(speeds):.0f}–{max(speeds):.0f}",
            ratio(results, name, LIMIT),
            ratio(results, name, OURS),
            "–" if score is None else f"{score:.4f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def machine() -> str:
    """The machine and the versions that the names of the contenders leave out."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("tensorflow", "numpy"))
    python = f"Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, {python}, {versions}"


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description="Training speed of Shadowboard and its peers.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(CONTENDERS), help="repeatable")
    options = parser.parse_args()
    names = [name for name in CONTENDERS if not options.only or name in options.only]
    if any(CONTENDERS[name].in_peers_environment for name in names) and not PEERS_PYTHON.exists():
        parser.error(f"{PEERS_PYTHON.relative_to(ROOT)} is not there: see benchmarks/requirements.txt")
    results = run_rounds(names, options.rounds)
    print(table(results))
    print()
    print(
        f"MNIST, batches of 100, 784 → 500 → 10, one average. The median of {options.rounds} rounds, each the"
        f" median of {WINDOWS} windows of some {WINDOW} steps; ratios are medians of the rounds'. Accuracy:"
        f" validation, after some {STEPS} steps. {machine()}."
    )
    others = max(report["others"] for reports in results.values() for report in reports)
    if others > QUIET:
        print(f"\n**Not a quiet machine: other processes took up to {others:.0%} of it. Measure again.**")


if __name__ == "__main__":
    main()
