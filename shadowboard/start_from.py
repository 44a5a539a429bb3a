"""What a run's first values are taken from: the knob `start_from`. Needs no TensorFlow.

Saver's dict (name in the checkpoint → variable) and `tf.Variable(other.initial_value * 0.2)`, written down:
`layer1/weights=old/weights*0.2`.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from shadowboard.validation import number

MOST = 200  # mappings
LONGEST = 500
_EXPECTED = "variable=name, variable=name*factor, or variable= to initialise it afresh"


@dataclass(frozen=True)
class Mapped:
    """One variable of the new run, and the name in the checkpoint that it takes `factor` times the value of.

    `name` is empty where the variable is initialised afresh.
    """

    variable: str
    name: str
    factor: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """`variable=name`, `variable=name*factor`, `variable=`. Raises ValueError.

        The factor is what follows the last `*`: of a name with a `*` in it one writes `name*1`.
        """
        variable, mark, value = (part.strip() for part in text.partition("="))
        name, times, factor = (
            (part.strip() for part in value.rpartition("*")) if "*" in value else (value, "", "1")
        )
        if not variable or not mark or (times and not name):
            raise ValueError(_EXPECTED)
        try:
            found = float(factor)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise ValueError(f"a finite number after the *, as in {variable}={name}*0.2")
        return cls(variable, name, found)

    def __str__(self) -> str:
        times = f"*{self.factor!r}" if self.factor != 1 or "*" in self.name else ""
        return f"{self.variable}={self.name}{times}"


def _normal(text: str) -> str:
    # No database takes half a character, and PostgreSQL no NUL.
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError(_EXPECTED)
    return str(Mapped.parse(text))


class StartFrom(BaseModel):
    """A checkpoint whose values a run's variables start with; immutable.

    Of a run of the store by its id, or of a folder that any program saved in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str = Field("", pattern=r"^[a-z0-9]*$", max_length=64, description="Id of the run; empty: a folder")
    folder: str = Field("", description="Folder that any program saved in; empty: a run")
    step: int = Field(ge=0, lt=10**15, description="Step of the checkpoint")
    average: str = Field("", max_length=LONGEST, description="Name of the average; empty: the raw weights")
    map: tuple[Annotated[str, Field(max_length=2 * LONGEST), AfterValidator(_normal)], ...] = Field(
        (), max_length=MOST, description=f"What to take from another name, each as {_EXPECTED}"
    )
    partial: bool = Field(
        False, strict=True, description="Initialise afresh what has another shape in the checkpoint"
    )

    _numbers = field_validator("step", mode="before")(number)

    @field_validator("map")
    @classmethod
    def _once(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        variables = [Mapped.parse(text).variable for text in texts]
        if twice := next((v for v in variables if variables.count(v) > 1), None):
            raise ValueError(f"each variable once, not {twice} {variables.count(twice)} times")
        return texts

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.run) == bool(self.folder):
            raise ValueError("either a run or a folder")
        return self

    @property
    def mappings(self) -> dict[str, Mapped]:
        """By the variable of the new run."""
        return {mapping.variable: mapping for mapping in map(Mapped.parse, self.map)}

    @property
    def where(self) -> str:
        """`the run k7m2xd`, `the folder /path`."""
        return f"the run {self.run}" if self.run else f"the folder {self.folder}"

    @property
    def weights(self) -> str:
        """`raw weights`, `averaged weights (EMA_0.9)`."""
        return f"averaged weights ({self.average})" if self.average else "raw weights"

    @property
    def short(self) -> str:
        """The checkpoint in a few characters: `k7m2xd step 3000`."""
        source = self.run or self.folder.rstrip("/").rpartition("/")[2] or self.folder
        return f"{source} step {self.step}{' averaged' if self.average else ''}"
