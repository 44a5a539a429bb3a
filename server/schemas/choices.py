"""Best or last: what each way to choose among the snapshots of a run comes to."""

from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, Field

from server.schemas.standings import Share

if TYPE_CHECKING:
    from shadowboard.choices import Choice

ChoiceName = Literal["last_raw", "best_raw", "last_averaged", "best_averaged"]


class ChoiceView(BaseModel):
    """A snapshot that was chosen."""

    choice: ChoiceName = Field(description="Best: by validation, of equals the earliest")
    step: int = Field(description="Step of the checkpoint")
    validation: Share = Field(description="What the best are chosen by")
    test: Share = Field(description="On the images that have chosen nothing")

    @classmethod
    def of(cls, choice: "Choice") -> Self:
        """The view of a choice."""
        shares = {"validation": Share.of(choice.validation), "test": Share.of(choice.test)}
        return cls(choice=choice.kind, step=choice.step, **shares)


class ChoiceList(BaseModel):
    """The four ways to choose among the snapshots of one run."""

    run: str = Field(description="Id of the run")
    average: str | None = Field(description="Name of the average that is looked at; null: the run keeps none")
    choices: list[ChoiceView] = Field(
        description="Last raw, best raw, last averaged, best averaged; without those that are not evaluated"
    )
