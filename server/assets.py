"""The files that the page is made of, and their addresses, which change with their content."""

import gzip
import hashlib
import importlib.util
import posixpath
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

_IMPORTED = re.compile(r'^import\b[^"]*"(\.{1,2}/[^"]+)"', re.MULTILINE)


def folder(name: str) -> Path:
    """`templates` or `static`: inside this package in a wheel, beside it in a source checkout."""
    here = Path(__file__).parent
    packaged = here / name
    return packaged if packaged.is_dir() else here.parent / name


class Assets:
    """The static files, and Plotly's script out of its own package."""

    def __init__(self) -> None:
        self.static = folder("static")
        self.templates = folder("templates")
        self.version = ""  # of the static files, as they were when a page was last made
        self._stamps: list[tuple[Path, int, int]] = []
        self._modules: dict[str, list[str]] = {}

    @property
    def static_url(self) -> Callable[[str], str]:
        """What makes the address of a file in static/: in a folder that is called by the content of all.

        So whatever a file names beside itself, as modules do, is in that folder, too, and is kept forever.
        """
        self._look()
        version = self.version
        return lambda name: f"/static/{version}/{name}"

    def modules(self, name: str) -> list[str]:
        """The ES modules that a module imports, and that they import: a page that names them waits once."""
        if name not in self._modules:
            found = {name: None}  # in their order, each once
            for module in (waiting := [name]):
                text = (self.static / module).read_text(encoding="utf-8")
                for imported in _IMPORTED.findall(text):
                    other = posixpath.normpath(posixpath.join(posixpath.dirname(module), imported))
                    if other not in found:
                        found[other] = None
                        waiting.append(other)
            self._modules[name] = [*found][1:]
        return self._modules[name]

    def _look(self) -> None:
        """Whether a file has changed: whoever works on the page has no need to start the server again."""
        files = sorted(path for path in self.static.rglob("*") if path.is_file())
        stamps = [(path, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in files]
        if stamps != self._stamps:
            self._stamps, self._modules = stamps, {}
            names = (f"{path.relative_to(self.static)}".encode() for path in files)
            self.version = _hash(
                b"".join(
                    part
                    for name, path in zip(names, files, strict=True)
                    for part in (name, path.read_bytes())
                )
            )

    @property
    def plotly_url(self) -> str:
        """The address of Plotly's script."""
        return f"/static/plotly.min.js?v={self.plotly_hash}"

    @cached_property
    def plotly(self) -> bytes:
        """Plotly's script."""
        # Found without importing the package, which takes long and is not needed.
        package = importlib.util.find_spec("plotly")
        if package is None or package.origin is None:
            raise FileNotFoundError("The package plotly is not installed.")
        return (Path(package.origin).parent / "package_data" / "plotly.min.js").read_bytes()

    @cached_property
    def plotly_hash(self) -> str:
        """The hash of Plotly's script."""
        return _hash(self.plotly)

    @cached_property
    def plotly_gzip(self) -> bytes:
        """Plotly's script, compressed once for all who load it."""
        return gzip.compress(self.plotly, mtime=0)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
