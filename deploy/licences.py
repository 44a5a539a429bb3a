"""Write docs/licences.md: what is shipped beside our own files, and under which licence (`make licences`)."""

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "licences.md"
SHIPPED_EXTRAS = ["postgres"]

# How packages that give no SPDX expression say it; each BSD here has its third clause. Those whose metadata
# say nothing stand here by their names: their licence file was read.
_SAID = {
    "Apache-2.0": ["Apache 2.0", "Apache License 2.0", "Apache-2.0", "namex"],
    "BSD-3-Clause": ["3-Clause BSD License", "BSD", "BSD 3-Clause", "BSD License", "BSD-3-Clause"],
    "ISC": ["ISC License"],
    "MIT": ["MIT", "MIT License"],
    "MPL-2.0": ["MPL-2.0"],
}
_SPDX = {said: spdx for spdx, ways in _SAID.items() for said in ways}

_HEAD = """\
# Licences

Written by `make licences`; a test holds it to `requirements.txt`. Licences are SPDX expressions.

Shadowboard itself is under Apache-2.0, see [LICENSE](../LICENSE). Its wheel holds, beside our own files:

| what | licence | notice |
| --- | --- | --- |
| the MNIST database, in `shadowboard/mnist/` | CC-BY-SA-3.0 | [NOTICE](../NOTICE) |

An installation, and the image, has these packages too, in the versions that `requirements.txt` pins for
Linux. The texts of their licences are in their `.dist-info` folders:

| package | version | licence |
| --- | --- | --- |
"""
_TAIL = """
To browsers the server sends its own files and the script of the package `plotly`: {plotly}, MIT.

What is compiled into `tensorflow` is told in its `THIRD_PARTY_NOTICES.txt`; `numpy`, `scipy` and `h5py` tell
it in their licence files. `psycopg-binary` holds PostgreSQL's client library and OpenSSL. `psycopg` is under
the LGPL: it is used as it comes, and whoever gets the image can replace it.

The image also has Python and packages of Debian, whose licences are in `/usr/share/doc/*/copyright`.
"""


def required(*extras: str) -> set[str]:
    """The names of all packages that Shadowboard with these extras needs on this machine, as installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"], *(t for e in extras for t in project["optional-dependencies"][e])]
    waiting, seen = [Requirement(text) for text in texts], set()
    while waiting:
        requirement = waiting.pop()
        key = (canonicalize_name(requirement.name), frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        for text in distribution(requirement.name).requires or []:
            needed = Requirement(text)
            given = ["", *requirement.extras]
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in given):
                waiting.append(needed)
    return {name for name, _ in seen}


def pinned() -> dict[str, list[str]]:
    """The versions of each package in requirements.txt: more than one where they depend on Python's."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def licence(name: str) -> str:
    """As an SPDX expression. Raises ValueError where the package's metadata leave it open."""
    metadata = distribution(name).metadata
    classifiers = metadata.get_all("Classifier", [])
    said = [
        *metadata.get_all("License", []),
        *(text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License :: ")),
        name,
    ]
    expressions = metadata.get_all("License-Expression", [])
    spdx = next(iter([*expressions, *(_SPDX[way] for way in said if way in _SPDX)]), "")
    if not spdx:
        raise ValueError(f"{name} says {said} of its licence; read it and add it to deploy/licences.py.")
    return spdx


def render() -> str:
    """The page."""
    versions = pinned()
    rows = [
        f"| {name} | {' or '.join(versions[name])} | {licence(name)} |"
        for name in sorted(required(*SHIPPED_EXTRAS))
    ]
    script = Path(str(distribution("plotly").locate_file("plotly/package_data/plotly.min.js")))
    with script.open(encoding="utf-8") as lines:
        plotly = re.findall(r"plotly\.js v[\d.]+", lines.read(200))[0]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL.format(plotly=plotly)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
