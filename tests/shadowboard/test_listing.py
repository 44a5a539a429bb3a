"""Which checkpoints a folder holds, beside what else is in it."""

import os
from pathlib import Path

import pytest

from shadowboard.errors import CheckpointMissing
from shadowboard.listing import files_in, has_checkpoint, list_checkpoints, newest_files


def put(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (folder / name).write_bytes(b"x" * (number + 1))
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))


def test_several_without_a_step_of_one_moment(tmp_path: Path) -> None:
    put(tmp_path, "a.index", "b.index", "c-3.index", "d-x.index", ".index", "e.indexes")
    assert [prefix.name for prefix in newest_files(tmp_path)] == ["c-3", "d-x", "b", "a"]
    assert [checkpoint.step for checkpoint in list_checkpoints(tmp_path)] == [3]


def test_of_two_names_with_one_step_the_later(tmp_path: Path) -> None:
    put(tmp_path, "a-3.index", "b-3.index")
    os.utime(tmp_path / "a-3.index", (1_000_000_001, 1_000_000_001))
    assert [checkpoint.prefix.name for checkpoint in list_checkpoints(tmp_path)] == ["a-3"]
    assert [prefix.name for prefix in newest_files(tmp_path)] == ["a-3", "b-3"]


def test_links_to_files_and_links_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    put(tmp_path, "elsewhere")
    (tmp_path / "there" / "m-1.index").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "there" / "m-2.index").symlink_to(tmp_path / "nowhere")
    (tmp_path / "there" / "m-3.index").symlink_to(tmp_path / "there" / "m-3.index")
    (tmp_path / "there" / "m-4.index").mkdir()
    assert [checkpoint.step for checkpoint in list_checkpoints(tmp_path / "there")] == [1]
    assert [path.name for path, _ in files_in(tmp_path / "there", ".index")] == ["m-1.index"]


@pytest.mark.parametrize(
    "name", ["c-3.index", "d-x.index", ".index", "e-1.indexes", "m.index", "m-٣.index", "m-1"]
)
@pytest.mark.parametrize("kind", ["a file", "a folder", "a link to nowhere"])
def test_whether_there_is_any_is_what_the_list_tells(tmp_path: Path, name: str, kind: str) -> None:
    if kind == "a file":
        put(tmp_path, name)
    elif kind == "a folder":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).symlink_to(tmp_path / "nowhere")
    assert (
        has_checkpoint(tmp_path)
        == bool(list_checkpoints(tmp_path))
        == ((name, kind) == ("c-3.index", "a file"))
    )


@pytest.mark.parametrize("name", ["model.ckpt-5", "[a-z]*?-5", "a.data-5", "**-5"])
def test_the_size_is_that_of_its_own_files(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"{name}.index", f"{name}.data-00000-of-00002", f"{name}.data-00001-of-00002")
    put(tmp_path, "x", "other-5.data-00000-of-00002", "model.ckpt-55.data-00000-of-00002")
    (found,) = list_checkpoints(tmp_path)
    assert found.bytes == 1 + 2 + 3
    whole = tmp_path / f"{name}.data-00000-of-00001"
    put(tmp_path, whole.name)
    assert found.bytes == 1 + 1


def test_folders_that_are_none(tmp_path: Path) -> None:
    assert list_checkpoints(tmp_path / "none") == []
    assert not has_checkpoint(tmp_path / "none")
    with pytest.raises(CheckpointMissing, match="There is no folder"):
        newest_files(tmp_path / "none")
    put(tmp_path, "file")
    for look in (list_checkpoints, newest_files, has_checkpoint):
        with pytest.raises(
            CheckpointMissing, match="folder file of checkpoints cannot be read: Not a directory"
        ):
            look(tmp_path / "file")
    with pytest.raises(CheckpointMissing, match=r"which holds file; expected <name>\.index with its data"):
        newest_files(tmp_path)
