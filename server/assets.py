"""The files that the page is made of, and their addresses, which change with their content."""

import hashlib
import importlib.util
import posixpath
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from server.static_file import StaticFile

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
        self.version = ""  # of the static files, as they were when they were last looked at
        self._stamps: list[tuple[Path, int, int]] = []
        self._files: dict[str, StaticFile] = {}
        self._modules: dict[str, list[str]] = {}

    @property
    def files(self) -> dict[str, StaticFile]:
        """The static files by their path, as they were when a page was last made."""
        if not self._files:
            self._look()
        return self._files

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
                text = self.files[module].content.decode()
                for imported in _IMPORTED.findall(text):
                    other = posixpath.normpath(posixpath.join(posixpath.dirname(module), imported))
                    if other not in found:
                        found[other] = None
                        waiting.append(other)
            self._modules[name] = [*found][1:]
        return self._modules[name]

    def _look(self) -> None:
        """Whether a file has changed: whoever works on the page has no need to start the server again."""
        paths = sorted(path for path in self.static.rglob("*") if path.is_file())
        stamps = [(path, (stat := path.stat()).st_mtime_ns, stat.st_size) for path in paths]
        if stamps != self._stamps:
            names = (path.relative_to(self.static).as_posix() for path in paths)
            files = {
                name: StaticFile(name, path.read_bytes()) for name, path in zip(names, paths, strict=True)
            }
            parts = (part for name, file in files.items() for part in (name.encode(), file.content))
            self.version = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
            self._stamps, self._files, self._modules = stamps, files, {}

    @property
    def plotly_url(self) -> str:
        """The address of Plotly's script."""
        return f"/static/plotly.min.js?v={self.plotly.hash}"

    @cached_property
    def plotly(self) -> StaticFile:
        """Plotly's script."""
        # Found without importing the package, which takes long and is not needed.
        package = importlib.util.find_spec("plotly")
        if package is None or package.origin is None:
            raise FileNotFoundError("The package plotly is not installed.")
        script = Path(package.origin).parent / "package_data" / "plotly.min.js"
        return StaticFile(script.name, script.read_bytes())
