"""What a run that is queued over HTTP starts from: what a request names, as its configuration has it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from server.problems import without_folders
from server.ranking import first_read, ranked
from server.schemas.starts import BEST, LATEST, NewStart
from server.services import Services
from shadowboard.bundle import open_bundle
from shadowboard.configuration import RunConfig, parse_config
from shadowboard.errors import CheckpointError, ConfigurationInvalid, RunMissing
from shadowboard.keras_file import KerasCheckpoint
from shadowboard.listing import Checkpoint
from shadowboard.records import Run
from shadowboard.start_source import checkpoints_of, find_source
from shadowboard.validation import first_of, quoted, sentence
from shadowboard.warm_start import WarmStart, plan

_KNOB = "start_from"


def with_start(services: Services, knobs: Mapping[str, Any]) -> tuple[RunConfig, WarmStart | None]:
    """The configuration of these knobs, and what a run of it takes from the checkpoint that it starts from.

    Of the start, the run may be told by its name and the step as `latest` or `best`. Raises
    ConfigurationInvalid, also where the start is not possible.
    """
    asked = knobs.get(_KNOB)
    config = parse_config({name: value for name, value in knobs.items() if name != _KNOB})
    if asked is None:
        return config, None
    wanted = _wanted(asked)
    with _told():
        run = services.store.run(wanted.run)
        step = _step(services, run, wanted) if wanted.step in (LATEST, BEST) else wanted.step
    start = wanted.model_dump() | {"run": run.id, "step": step}
    config = parse_config({**knobs, _KNOB: start})
    return config, report_of(services, config)


def report_of(services: Services, config: RunConfig) -> WarmStart | None:
    """What a run takes from the checkpoint that it starts from, if it does. Raises ConfigurationInvalid."""
    if config.start_from is None:
        return None
    with _told():
        checkpoint = find_source(config.start_from, services.store.run, services.settings.run_folder)
        return plan(config.start_from, config.hidden, checkpoint)


@contextmanager
def _told() -> Iterator[None]:
    """Whatever is the matter with the checkpoint is the matter with the knob."""
    try:
        yield
    except (RunMissing, CheckpointError) as error:
        raise ConfigurationInvalid(f"{_KNOB} is not possible: {without_folders(str(error))}") from error


def _wanted(asked: Any) -> NewStart:
    if not isinstance(asked, dict):
        raise ConfigurationInvalid(
            f"{_KNOB} is {quoted(asked)}; expected an object with run, step, average, map, partial."
        )
    if asked.get("folder"):
        raise ConfigurationInvalid(
            f"{_KNOB}.folder is {quoted(asked['folder'])}; over HTTP a run can only start from a run of this "
            "server. `shadowboard train --start-from` takes a folder."
        )
    try:
        return NewStart.model_validate(asked)
    except ValidationError as error:
        raise ConfigurationInvalid(first_of([_sentence(one) for one in error.errors()])) from None


def _sentence(error: Any) -> str:
    where = ".".join([_KNOB, *map(str, error["loc"])])
    if error["type"] == "missing":
        return f"{where} is missing."
    if error["type"] == "extra_forbidden":
        return f"There is no knob called {where[:100]}; {_KNOB} has {', '.join(NewStart.model_fields)}."
    return sentence(error, where[:100])


def _step(services: Services, run: Run, wanted: NewStart) -> int:
    """The step that `latest` means (of what can be opened), or `best` (of what is evaluated and there)."""
    there = checkpoints_of(run, services.settings.run_folder(run.id))
    if wanted.step == BEST:
        return ranked(services.store, run, wanted.average, there)[0].step
    return first_read(run, reversed(there), _open)[0].step


def _open(checkpoint: Checkpoint) -> None:
    """Raises CheckpointDamaged, CheckpointMissing. Those of Keras are read whole by then."""
    if not isinstance(checkpoint, KerasCheckpoint):
        open_bundle(checkpoint.prefix)
