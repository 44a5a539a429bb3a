"""The settings of a process, built once at the edge: SHADOWBOARD_… variables or options so named."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shadowboard.errors import SettingsInvalid
from shadowboard.validation import sentence

_SHORTEST_TOKEN = 16

LogLevel = Annotated[Literal["info", "warning", "error"], BeforeValidator(lambda level: str(level).lower())]


class Settings(BaseSettings):
    """Where things are, where to listen, and who may change something; immutable."""

    model_config = SettingsConfigDict(
        env_prefix="SHADOWBOARD_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(Path("shadowboard-data"), description="Folder of the database and the checkpoints")
    database_url: str = Field("", description="SQLAlchemy URL; empty: shadowboard.db in the home folder")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on")
    port: int = Field(8000, ge=0, le=65_535, description="Port to listen on; 0 takes any free one")
    token: SecretStr = Field(SecretStr(""), description="What changing anything needs; empty: nothing")
    insecure: bool = Field(False, description="Let others reach the server though it has no token")
    allowed_hosts: str = Field("", description="Names a proxy serves it under, separated by commas")
    watch_folders: str = Field("", description="Folders to be watched on request, separated by commas")
    weights_cache_mib: int = Field(256, ge=0, description="Restored weights to keep in memory, in MiB")
    log_level: LogLevel = Field("warning", description="Lines to log; info: each request too")

    @field_validator("home")
    @classmethod
    def _expanded(cls, home: Path) -> Path:
        return _path(home)

    @field_validator("home", "database_url")
    @classmethod
    def _is_text(cls, name: Path | str) -> Path | str:
        try:
            str(name).encode()
        except UnicodeEncodeError:
            raise ValueError("a name that is text") from None
        return name

    @field_validator("token")
    @classmethod
    def _can_be_sent(cls, token: SecretStr) -> SecretStr:
        if token and not re.fullmatch(rf"[!-~]{{{_SHORTEST_TOKEN},}}", token.get_secret_value()):
            raise ValueError(f"{_SHORTEST_TOKEN} or more ASCII characters without a space, or none at all")
        return token

    @field_validator("allowed_hosts")
    @classmethod
    def _names_only(cls, names: str) -> str:
        names = names.replace(" ", "").strip(",").lower()
        if names and not re.fullmatch(r"[\w.-]+(,[\w.-]+)*", names):
            raise ValueError("names without port or *, such as board.example,board.lan")
        return names

    @field_validator("watch_folders")
    @classmethod
    def _by_their_last_names(cls, folders: str) -> str:
        names = [path.name for path in _paths(folders)]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError("folders with different last names, for these are what requests say")
        return folders

    @property
    def watchable(self) -> dict[str, Path]:
        """The folders that a request may have watched, by the last part of each one's path."""
        return {path.name: path for path in _paths(self.watch_folders)}

    @property
    def store_url(self) -> str:
        """The database's URL, the default filled in."""
        return self.database_url or sqlite_url(self.home / "shadowboard.db")

    @property
    def names(self) -> list[str]:
        """The allowed hosts, one by one."""
        return self.allowed_hosts.split(",") if self.allowed_hosts else []

    def run_folder(self, run_id: str) -> Path:
        """The folder of a run's checkpoints."""
        return self.home / "runs" / run_id


def sqlite_url(file: Path) -> str:
    """The SQLAlchemy URL of a file, whatever its name is: one may have ? or % in it."""
    return f"sqlite:///{quote(str(file))}"


def _paths(text: str) -> list[Path]:
    return [_path(Path(folder.strip())).absolute() for folder in text.split(",") if folder.strip()]


def _path(path: Path) -> Path:
    """With the home of a user in place of ~. Raises ValueError where that is not known."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("~ or ~ and the name of a user before the first /") from None


def load_settings(**options: Any) -> Settings:
    """Settings from the environment; options that are not None win. Raises SettingsInvalid in a sentence."""
    try:
        return Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        secret = name in {"token", "database_url"}  # not to be shown: there may be a password in the second
        said = sentence(first | ({"input": ""} if secret else {}), f"SHADOWBOARD_{name.upper()}")
        raise SettingsInvalid(said.replace("is '';", "cannot be used;") if secret else said) from None
