"""The wheel: built, unpacked elsewhere, started from another folder, pages and data set included."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)], check=True
    )
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder / "site"), str(wheel)], check=True)
    return folder / "site"


CODE = """
import shadowboard, sys
from pathlib import Path
from starlette.testclient import TestClient
from server.app import create_app
from shadowboard.dataset import load_dataset
from shadowboard.schema import metadata
from shadowboard.settings import Settings
from shadowboard.upgrade import _first_shape

assert _first_shape().keys() <= metadata.tables.keys()  # made by the first migration
assert Path(shadowboard.__file__).is_relative_to(sys.argv[1]), shadowboard.__file__
assert len(load_dataset().train) == 55_000
with TestClient(create_app(Settings(home=Path("home"))), base_url="http://127.0.0.1") as client:
    page = client.get("/")
    assert page.status_code == 200
    addresses = [part.split('"')[0] for part in page.text.split('="')[1:] if part.startswith("/static/")]
    for address in addresses:
        assert client.get(address.replace("&amp;", "&")).status_code == 200, address
    assert any(address.endswith("/dashboard/page.js") for address in addresses)
"""


def test_the_wheel_works_on_its_own(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-c", CODE, str(installed)], cwd=tmp_path, env=environment, check=True)
    script = installed / "bin" / "shadowboard"
    helped = subprocess.run(
        [sys.executable, str(script), "--help"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "Compare raw with averaged model weights" in helped.stdout


def test_the_wheel_holds_no_more_than_it_needs(installed: Path) -> None:
    folders = {path.name for path in installed.iterdir()}
    assert {"shadowboard", "worker", "server", "bin"} <= folders
    assert not folders & {"tests", "benchmarks", "templates", "static", "docs"}
    assert (installed / "server" / "templates" / "dashboard.html").is_file()
    licences = {path.name for path in installed.glob("*.dist-info/licenses/*")}
    assert licences == {"LICENSE", "NOTICE"}
