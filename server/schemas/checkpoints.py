"""The checkpoints of a run, and what is in one."""

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from shadowboard.contents import Contents
    from shadowboard.inspection import Closeup, Variable
    from shadowboard.restore_map import RestoreMap
    from shadowboard.units import Units

_PLACES = 4  # of a weight that is shown as a pixel


class CheckpointFile(BaseModel):
    """A checkpoint that was saved."""

    step: int = Field(description="Steps done")
    bytes: int = Field(description="Size on disk when it was saved")
    saved_at: float = Field(description="When it was saved")
    file: str = Field(description="Name of its files, without their ends")
    present: bool = Field(description="Whether its files are still there")


class CheckpointList(BaseModel):
    """The checkpoints of a run."""

    run: str = Field(description="Id of the run")
    checkpoints: list[CheckpointFile] = Field(description="By ascending step")


class VariableView(BaseModel):
    """One variable of a checkpoint. Statistics are of the finite values; null: there are none."""

    name: str = Field(description="Its name in the checkpoint")
    shape: list[int] = Field(description="Its length along each axis; empty: a single value")
    dtype: str = Field(description="TensorFlow's name of its type")
    kind: Literal["raw", "average", "slot", "counter", "other"] = Field(
        description="raw: a weight. average: of a raw variable. slot: what the optimiser keeps for one. "
        "counter: a whole number, such as the step"
    )
    of: str | None = Field(description="The raw variable that an average or a slot belongs to")
    average: str | None = Field(description="Name of the average; null where it is none")
    size: int = Field(description="How many values it has")
    bytes: int = Field(description="How many bytes they take in the checkpoint")
    mean: float | None = Field(description="Mean")
    std: float | None = Field(description="Standard deviation")
    min: float | None = Field(description="Least value")
    max: float | None = Field(description="Greatest value")
    zeros: float | None = Field(description="Share of all values that are zero")
    non_finite: int | None = Field(
        description="How many values are infinite or not a number; null: no statistics were asked for"
    )
    distance: float | None = Field(
        description="Of an average to its raw variable, relative: ‖average − raw‖ / ‖raw‖"
    )
    cosine: float | None = Field(description="Of the angle between an average and its raw variable")
    values: Any = Field(
        description="All values, as nested lists, null for one that is not finite; null where they are more "
        "than 256, no numbers, or were not read"
    )

    @classmethod
    def of_variable(cls, variable: "Variable") -> Self:
        """The view of an inspected variable."""
        from shadowboard.inspection import plain

        s = variable.statistics
        return cls(
            name=variable.name,
            shape=list(variable.shape),
            dtype=variable.dtype,
            **vars(variable.role),
            size=variable.size,
            bytes=variable.bytes,
            **(vars(s) if s else dict.fromkeys(("mean", "std", "min", "max", "zeros", "non_finite"))),
            distance=variable.distance,
            cosine=variable.cosine,
            values=None if variable.values is None else plain(variable.values),
        )


class _OfCheckpoint(BaseModel):
    run: str = Field(description="Id of the run")
    step: int = Field(description="Step of the checkpoint")
    checkpoint: str = Field(description="Name of its files, without their ends")


class VariableList(_OfCheckpoint):
    """What is in a checkpoint."""

    bytes: int = Field(description="How many bytes all values of the checkpoint take")
    first_layer: str | None = Field(
        description="The raw variable whose units `…/units` shows unless told otherwise; null: there is none"
    )
    variables: list[VariableView] = Field(description="By name")


class Histogram(BaseModel):
    """How many finite values are in each of some equal bins, which a raw variable and its averages share."""

    edges: list[float] = Field(description="Where bins begin, and the last one ends: one more than there are")
    counts: dict[str, list[int]] = Field(description="Of each variable, by its name in the checkpoint")


class VariableCloseup(_OfCheckpoint):
    """One raw variable with its averages, or any other variable alone."""

    variables: list[VariableView] = Field(description="The raw one first")
    histogram: Histogram | None = Field(description="null: there is no finite value, or all hardly differ")

    @classmethod
    def of_closeup(cls, place: dict[str, Any], closeup: "Closeup") -> Self:
        """The view of a close-up in the checkpoint of this run, step and name."""
        histogram = (
            None if closeup.edges is None else Histogram(edges=closeup.edges, counts=closeup.histograms)
        )
        variables = [VariableView.of_variable(variable) for variable in closeup.variables]
        return cls(**place, variables=variables, histogram=histogram)


class UnitList(_OfCheckpoint):
    """The weights of some units of a layer whose inputs are the pixels of a square."""

    name: str = Field(description="The raw variable [side · side, units]")
    side: int = Field(description="Side of the square, in pixels")
    total: int = Field(description="How many units the layer has")
    units: list[int] = Field(description="The numbers of those shown, from 0, in the order asked for")
    raw: list[list[float | None]] = Field(
        description="Of each unit its weights, row by row; rounded; null: not finite"
    )
    average: str | None = Field(description="Name of the average; null: the layer has none")
    averaged: list[list[float | None]] | None = Field(description="The averaged weights of each unit")
    limit: float = Field(description="All but a thousandth of the layer's raw weights are within ± this")
    change_limit: float = Field(
        description="The same of averaged less raw weights; 0 where there is no average"
    )

    @classmethod
    def of_units(cls, place: dict[str, Any], units: "Units") -> Self:
        """The view of units in the checkpoint of this run, step and name."""

        def rounded(images: Any) -> list[list[float | None]]:
            flat = images.reshape(len(images), units.side**2).tolist()
            # A value less itself is zero, unless it is not finite.
            return [[round(v, _PLACES) if v - v == 0 else None for v in image] for image in flat]

        return cls(
            **place,
            name=units.name,
            side=units.side,
            total=units.total,
            units=units.numbers,
            raw=rounded(units.raw),
            average=units.average,
            averaged=None if units.averaged is None else rounded(units.averaged),
            limit=units.limit,
            change_limit=units.change_limit,
        )


class RestoredVariable(BaseModel):
    """Where a variable's value comes from."""

    variable: str = Field(description="The variable")
    name: str = Field(description="The name in the checkpoint that its value is read from")
    source: Literal["average", "raw", "renamed"] = Field(description="What is read: the `name` in words")
    values: Any = Field(
        description="All values, as nested lists, null for one that is not finite; null where they are more "
        "than 256, or no numbers"
    )


class RestoreMapView(_OfCheckpoint):
    """What a restore would read, out of the names that the checkpoint really holds."""

    average: str | None = Field(description="The average that was asked for; null: raw weights")
    restored: list[RestoredVariable] = Field(description="By variable")
    raw_fallbacks: list[str] = Field(
        description="Variables that are restored raw though an average was asked for: there is none of them"
    )
    uninitialised: list[str] = Field(description="Variables that are left out, and still need a value")
    unused: list[str] = Field(description="Names in the checkpoint that nothing is restored from")
    sentence: str = Field(description="All this in a sentence")

    @classmethod
    def of_map(
        cls, place: dict[str, Any], contents: "Contents", found: "RestoreMap", small: dict[str, Any]
    ) -> Self:
        """The view of a map; `small`: the values to tell, by name in the checkpoint."""
        from shadowboard.inspection import plain

        restored = [
            RestoredVariable(**vars(one), values=plain(small[one.name]) if one.name in small else None)
            for one in found.restored
        ]
        used = {one.name for one in found.restored}
        return cls(
            **place,
            average=found.average,
            restored=restored,
            raw_fallbacks=found.fallbacks,
            uninitialised=list(found.uninitialised),
            unused=[name for name in contents.entries if name not in used],
            sentence=found.sentence,
        )
