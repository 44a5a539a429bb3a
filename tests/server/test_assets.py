import re
from pathlib import Path

import pytest

from server import assets
from server.assets import Assets


def test_addresses_change_with_the_content(tmp_path: Path) -> None:
    found = Assets()
    found.static = tmp_path
    (tmp_path / "a.css").write_text("one")
    one = found.static_url("a.css")
    (tmp_path / "a.css").write_text("two")
    (tmp_path / "a.css~").write_text("an editor's own")
    assert re.fullmatch(r"/static/[0-9a-f]{16}/a\.css", one)
    assert found.static_url("a.css") != one
    assert found.files["a.css"].content == b"two"


def test_modules_are_found_through_those_that_import_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "page.js").write_text('import { a } from "./deep/a.js";\nimport "./b.js";\n')
    (tmp_path / "deep" / "a.js").write_text('import { b } from "../b.js";\nimport { c } from "./c.js";\n')
    (tmp_path / "b.js").write_text('import { a } from "./deep/a.js"; // in a circle\n')
    (tmp_path / "deep" / "c.js").write_text('// import "./none.js"\nexport const c = 1;\n')
    found = Assets()
    found.static = tmp_path
    assert sorted(found.modules("page.js")) == ["b.js", "deep/a.js", "deep/c.js"]
    assert found.modules("deep/c.js") == []


def test_folders_are_found_beside_the_package_or_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "server"
    package.mkdir()
    monkeypatch.setattr(assets, "__file__", str(package / "assets.py"))
    assert assets.folder("static") == tmp_path / "static"
    (package / "static").mkdir()
    assert assets.folder("static") == package / "static"
