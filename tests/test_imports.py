"""The direction of imports: server → shadowboard ← worker, and nobody imports the command line."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "shadowboard": {"shadowboard"},
    "worker": {"worker", "shadowboard"},
    "server": {"server", "shadowboard"},
}
OURS = set(MAY_IMPORT)
MODULES = sorted(p for folder in MAY_IMPORT for p in (ROOT / folder).rglob("*.py"))
COMPOSITION_ROOT = ROOT / "shadowboard" / "cli.py"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    ours = {name for name in imported(path) if name.partition(".")[0] in OURS}
    assert not {name for name in ours if name.startswith("shadowboard.cli")}
    if path != COMPOSITION_ROOT:
        allowed = MAY_IMPORT[path.relative_to(ROOT).parts[0]]
        assert {name for name in ours if name.partition(".")[0] not in allowed} == set()


@pytest.mark.parametrize(
    "module",
    [
        *("averaging", "configuration", "dataset", "digit_image", "errors", "settings", "store", "terminal"),
        "cli",
    ],
)
def test_what_needs_no_tensorflow_does_not_load_it(module: str) -> None:
    code = f"import sys, shadowboard.{module}; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        if any(word in path.read_text(encoding="utf-8") for word in ("os.environ[", "environ.get", "getenv"))
    }
    assert readers == set()
