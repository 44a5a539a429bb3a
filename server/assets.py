"""The files that the page is made of, and their addresses, which change with their content."""

import gzip
import hashlib
import importlib.util
from functools import cached_property
from pathlib import Path


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

    def static_url(self, name: str) -> str:
        """The address of a file in static/, with the hash of its content."""
        return f"/static/{name}?v={_hash((self.static / name).read_bytes())}"

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
