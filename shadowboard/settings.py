"""The settings of a process, built once at the edge: SHADOWBOARD_… variables or options so named."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shadowboard.errors import SettingsInvalid
from shadowboard.validation import sentence


class Settings(BaseSettings):
    """Where things are and where to listen; immutable."""

    model_config = SettingsConfigDict(env_prefix="SHADOWBOARD_", frozen=True, extra="ignore")

    home: Path = Field(Path("shadowboard-data"), description="Folder of the database and the checkpoints")
    database_url: str = Field("", description="SQLAlchemy URL; empty: shadowboard.db in the home folder")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes any free one")

    @property
    def store_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or f"sqlite:///{self.home / 'shadowboard.db'}"

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run's checkpoints."""
        return self.home / "runs" / run_id


def load_settings(**options: Any) -> Settings:
    """Settings from the environment; options that are not None win. Raises SettingsInvalid in a sentence."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsInvalid(sentence(first, "SHADOWBOARD_" + str(first["loc"][0]).upper())) from None
