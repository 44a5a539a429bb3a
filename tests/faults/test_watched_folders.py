"""Folders of other programs, in which anything may be and to which anything may happen."""

import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from server.folders import _described
from shadowboard import checkpoints
from shadowboard.bundle import open_bundle
from shadowboard.configuration import parse_config
from shadowboard.errors import CheckpointDamaged
from shadowboard.folder_sight import FolderSight, look
from shadowboard.listing import list_checkpoints
from shadowboard.regular_file import read_whole
from shadowboard.settings import Settings
from shadowboard.store import Store
from shadowboard.watched import watched_config
from tests.faults.processes import pipe, run, wait_for
from tests.server.conftest import TINY, running, tensors

Tell = Callable[[str, int, str], None]

CONFIG = parse_config(TINY)
NOBODY = 65_534


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    return folder


def save(folder: Path, step: int) -> checkpoints.Checkpoint:
    return checkpoints.save(folder, step, tensors(CONFIG, step))


def steps(sight: FolderSight) -> list[int]:
    return [checkpoint.step for checkpoint in sight.checkpoints]


def state(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Of all that is in a folder, and of itself: kind, rights, owner, times, size and bytes."""
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        fields = (status.st_mode, status.st_uid, status.st_ino, status.st_size, status.st_nlink)
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (*fields, status.st_mtime_ns, status.st_ctime_ns, content)
    return found


@contextmanager
def odd_things(folder: Path) -> Iterator[None]:
    """Whatever can have the name of a checkpoint and is none; to open some of it would wait for ever."""
    (folder.parent / "closed").mkdir(mode=0)
    links = {
        **{"m-101.index": "/dev/zero", "m-102.weights.h5": "/dev/zero", "m-103.keras": "/dev/full"},
        **{"m-104.index": "m-104.index", "m-105.index": "nowhere", "m-106.weights.h5": "pipe"},
        **{"m-107.index": ".", "m-108.index": str(folder.parent / "closed" / "x")},
    }  # fmt: skip
    for name, target in links.items():
        (folder / name).symlink_to(target)
    for name in ("m-111.index", "m-112.weights.h5", "m-113.keras", "pipe", "m-114.data-00000-of-00001"):
        os.mkfifo(folder / name)
    for name in ("m-121.index", "m-122.weights.h5", "m-123.keras", ".index"):
        (folder / name).mkdir()
    (folder / "round").symlink_to(folder)
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        here = Path.cwd()
        os.chdir(folder)  # such an address is short
        try:
            listener.bind("m-131.index")
        finally:
            os.chdir(here)
        yield


def within_seconds(call: Callable[[], Any]) -> Any:
    """What `call` gives; fails where it waits for ever."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(call).result(timeout=30)
    finally:
        pool.shutdown(wait=False)


def test_what_is_no_file_is_never_opened(theirs: Path) -> None:
    save(theirs, 7)
    with odd_things(theirs):
        before = state(theirs)
        sight = within_seconds(lambda: look(theirs))
        assert (steps(sight), sight.problem) == ([7], "")
        assert [c.step for c in within_seconds(lambda: list_checkpoints(theirs))] == [7]
        for file in theirs.glob("model.ckpt-7.*"):
            file.rename(theirs.parent / file.name)
        alone = within_seconds(lambda: look(theirs))
        assert alone.checkpoints == []
        assert "There is no TensorFlow checkpoint in" in alone.problem
        for file in theirs.parent.glob("model.ckpt-7.*"):
            file.rename(theirs / file.name)
        assert state(theirs).keys() == before.keys()
        for name in ("pipe", "m-101.index"):  # should one take a file's place after the look
            with pytest.raises(OSError, match="no regular file"):
                within_seconds(partial(read_whole, theirs / name, 1000))


def test_data_that_are_no_file(theirs: Path) -> None:
    saved = save(theirs, 7)
    data = saved.prefix.with_name(f"{saved.prefix.name}.data-00000-of-00001")
    data.unlink()
    os.mkfifo(data)
    os.utime(saved.index, (1_000_000_000, 1_000_000_000))
    sight = within_seconds(lambda: look(theirs))
    assert sight.checkpoints == []
    assert "model.ckpt-7.data-00000-of-00001 has 0 bytes; its index tells of" in sight.problem
    with pytest.raises(CheckpointDamaged):
        within_seconds(lambda: open_bundle(saved.prefix))


def test_a_folder_that_goes_comes_back_and_is_another(theirs: Path) -> None:
    save(theirs, 1)
    elsewhere = theirs.with_name("elsewhere")
    save(elsewhere, 2)
    assert steps(look(theirs)) == [1]
    theirs.rename(theirs.with_name("away"))
    assert look(theirs).problem == f"There is no folder {theirs}."
    theirs.symlink_to(elsewhere)
    assert steps(look(theirs)) == [2]
    theirs.unlink()
    theirs.symlink_to(theirs)
    assert (
        look(theirs).problem
        == "The folder theirs of checkpoints cannot be read: Too many levels of symbolic links."
    )
    theirs.unlink()
    theirs.write_text("a file")
    assert look(theirs).problem == "The folder theirs of checkpoints cannot be read: Not a directory."
    theirs.unlink()
    theirs.with_name("away").rename(theirs)
    assert steps(look(theirs)) == [1]


def look_without_rights(folder: Path, told: Connection) -> None:
    """As a user to whom nothing there belongs."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    told.send(look(folder))


@pytest.mark.parametrize(
    ("modes", "problem"),
    [
        ((0o000, 0o644), "The folder theirs of checkpoints cannot be read: Permission denied."),
        ((0o444, 0o644), "The folder theirs of checkpoints cannot be read: Permission denied."),
        ((0o111, 0o644), "The folder theirs of checkpoints cannot be read: Permission denied."),
        (
            (0o755, 0o000),
            "The checkpoint model.ckpt-1 is damaged or cannot be read: model.ckpt-1.index: "
            "Permission denied.",
        ),
    ],
    ids=["nothing", "no entering", "no listing", "files"],
)
def test_without_permission(modes: tuple[int, int], problem: str) -> None:

    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        Path(place).chmod(0o755)
        theirs = Path(place) / "theirs"
        saved = save(theirs, 1)
        for file in theirs.iterdir():
            file.chmod(modes[1])
            os.utime(file, (1_000_000_000, 1_000_000_000))
        theirs.chmod(modes[0])
        here, there = pipe()
        try:
            assert run(look_without_rights, theirs, there) == 0
        finally:
            theirs.chmod(0o755)
        sight = here.recv()
        assert (sight.checkpoints, sight.problem) == ([], problem)
        saved.index.chmod(0o644)


def test_very_many_files(theirs: Path, thorough: bool, tell: Tell) -> None:
    many = 100_000 if thorough else 1_000
    for number in range(many):
        (theirs / f"events.out.{number:06}").touch()
    for number in range(many // 10):  # each of them empty, and so damaged
        (theirs / f"other-{number}.index").touch()
    last = many // 10 + 1
    save(theirs, last)
    look(theirs)
    began = time.process_time()
    sight = look(theirs)
    seconds = time.process_time() - began
    assert steps(sight) == [last]
    assert sight.checkpoints[0].bytes == sum(f.stat().st_size for f in theirs.glob("model.ckpt-*"))
    tell("files in a watched folder", many + many // 10, f"one look takes {seconds:.2f} s of processor time")


def test_files_that_grow_while_they_are_read(theirs: Path) -> None:
    """As those that another program writes in place."""
    saved = save(theirs.parent / "whole", 1)
    with h5py.File(theirs.parent / "m-2.weights.h5", "w") as file:
        for name, shape in (("0", (784, 10)), ("1", (10,))):
            file.create_dataset(f"layers/dense/vars/{name}", data=np.ones(shape, np.float32))
    whole = sorted(saved.prefix.parent.glob("model.ckpt-1.*"), reverse=True)  # the index first
    whole.append(theirs.parent / "m-2.weights.h5")
    seen: list[list[int]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(steps(look(theirs)))

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        for file in whole:
            content = file.read_bytes()
            with (theirs / file.name).open("wb", buffering=0) as target:
                for start in range(0, len(content), max(1, len(content) // 40)):
                    target.write(content[start : start + max(1, len(content) // 40)])
                    looks = len(seen)
                    wait_for(lambda looks=looks: len(seen) > looks or watching.done(), pause=0.0005)
        over.set()
        watching.result()
    assert {tuple(one) for one in seen} <= {(), (1,), (1, 2)}
    sight = look(theirs)
    assert steps(sight) == [1, 2]
    assert open_bundle(sight.checkpoints[0].prefix).entries


def test_a_server_goes_on_beside_all_of_this(tmp_path: Path, theirs: Path) -> None:
    """And writes nothing; nor does what happens to one folder keep another waiting."""
    other = tmp_path / "other"
    save(other, 3)
    (theirs / "m-5.index").write_bytes(b"damaged")
    os.utime(theirs / "m-5.index", (1_000_000_000, 1_000_000_000))
    save(theirs, 1)
    strange = theirs / os.fsdecode(b"\xff\x1b[2J\n-9.index")
    strange.write_bytes(b"damaged")
    os.utime(strange, (1_000_000_000, 1_000_000_000))
    settings = Settings(home=tmp_path / "home", host="127.0.0.1", port=0)
    with (
        odd_things(theirs),
        closing(Store(settings.store_url)) as store,
        running(settings) as client,
    ):
        before = state(theirs)
        first, second = (store.watch(watched_config(folder)) for folder in (theirs, other))

        def evaluated(run_id: str) -> set[int]:
            found = client.get(f"/runs/{run_id}/history").json()["evaluations"]
            return {one["step"] for one in found}

        wait_for(lambda: (evaluated(first.id), evaluated(second.id)) == ({1}, {3}))
        wait_for(lambda: "is damaged or cannot be read" in store.run(first.id).message)
        message = client.get(f"/runs/{first.id}").json()["message"]
        assert message.isprintable()
        assert state(theirs) == before
        theirs.rename(tmp_path / "away")
        wait_for(lambda: "There is no folder" in store.run(first.id).message)
        save(other, 4)
        wait_for(lambda: evaluated(second.id) == {3, 4})
        (tmp_path / "away").rename(theirs)
        wait_for(lambda: "is damaged or cannot be read" in store.run(first.id).message)
        assert evaluated(first.id) == {1}
        client.delete(f"/runs/{first.id}").raise_for_status()
        after = state(theirs)
        assert {path for path in after if after[path] != before[path]} <= {str(theirs)}


def test_averages_that_cannot_be_kept(tmp_path: Path) -> None:
    """Another program may call them anything, and have any number."""
    held = tensors(parse_config(TINY | {"averages": []}), 1)
    weights = {name: value for name, value in held.items() if name.startswith("layer")}
    names = [f"average {number:02}" for number in range(20)] + ["a" * 65, "a\nb", "\u202eb", "a\0b"]
    many = {f"{weight}/{name}": value for weight, value in weights.items() for name in names}
    checkpoints.save(tmp_path, 1, held | many)
    config, problem = _described(watched_config(tmp_path), look(tmp_path))
    assert problem == ""
    assert [average.name for average in config.averages] == names[:16]
