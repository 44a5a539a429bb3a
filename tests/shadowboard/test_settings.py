from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import make_url

from shadowboard.errors import SettingsInvalid
from shadowboard.settings import Settings, load_settings


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_PORT", "9000")
    monkeypatch.setenv("SHADOWBOARD_HOME", "elsewhere")
    settings = load_settings(port=9001, home=None)
    assert (settings.port, settings.home) == (9001, Path("elsewhere"))
    assert settings.store_url == "sqlite:///elsewhere/shadowboard.db"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1))
def test_the_database_lies_in_the_home_folder_however_it_is_named(name: str) -> None:
    home = Path("/srv") / name
    assert make_url(Settings(home=home).store_url).database == str(home / "shadowboard.db")


def test_a_home_that_is_no_text_is_told() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(home=Path("caf\udce9"))
    assert str(caught.value) == r"SHADOWBOARD_HOME is 'caf\udce9'; expected a name that is text."


def test_a_database_that_is_no_text_is_told() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(database_url="postgresql://me:s3cret-caf\udce9@host/db")
    assert str(caught.value) == "SHADOWBOARD_DATABASE_URL cannot be used; expected a name that is text."


def test_a_tilde_is_somebodys_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(home=Path("~/runs"), watch_folders="~/theirs")
    assert settings.home == tmp_path / "runs"
    assert settings.watchable == {"theirs": tmp_path / "theirs"}
    for name in ("home", "watch_folders"):
        with pytest.raises(SettingsInvalid, match=f"{name.upper()} is '~nobody-here/x'; expected ~ or ~ and"):
            load_settings(**{name: "~nobody-here/x"})


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"SHADOWBOARD_{name.upper()}", "")
    assert load_settings() == Settings()
    assert load_settings().home == Path("shadowboard-data")


def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_PORT", "high")
    with pytest.raises(SettingsInvalid, match="SHADOWBOARD_PORT is 'high'; expected a whole number"):
        load_settings()


@pytest.mark.parametrize(
    "token",
    ["tooshort", "fifteen-letters", "with a space in it", "Kaffeemühle-Kaffeemühle", "a long one " * 20],
)
def test_a_token_that_cannot_be_used_is_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("SHADOWBOARD_TOKEN", token)
    with pytest.raises(
        SettingsInvalid, match="SHADOWBOARD_TOKEN cannot be used; expected 16 or more"
    ) as caught:
        load_settings()
    assert token[:8] not in str(caught.value)


def test_the_token_is_not_shown_with_the_settings() -> None:
    settings = load_settings(token="x-secret-x-secret")  # noqa: S106
    assert settings.token.get_secret_value() == "x-secret-x-secret"
    assert "secret-" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_TOKEN", "")
    assert not load_settings().token


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("Board.example", ["board.example"]),
        ("a.example, b.example,", ["a.example", "b.example"]),
        ("192.0.2.7", ["192.0.2.7"]),
    ],
)
def test_allowed_hosts(text: str, names: list[str]) -> None:
    assert Settings(allowed_hosts=text).names == names


@pytest.mark.parametrize("text", ["*", "*.example", "https://a.example", "a.example:443", "a b\nc", "a,,b"])
def test_allowed_hosts_are_names(text: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"SHADOWBOARD_ALLOWED_HOSTS is .*; expected names without"):
        load_settings(allowed_hosts=text)


def test_levels_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_LOG_LEVEL", "INFO")
    assert load_settings().log_level == "info"


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1


def test_folders_to_be_watched_go_by_their_last_names(tmp_path: Path) -> None:
    settings = load_settings(watch_folders=f"{tmp_path}/a, b/,{tmp_path}/c d")
    assert settings.watchable == {"a": tmp_path / "a", "b": Path("b").absolute(), "c d": tmp_path / "c d"}
    for folders in ("/x/a,/y/a", "/"):
        with pytest.raises(SettingsInvalid, match=r"WATCH_FOLDERS is .*; expected folders with diff"):
            load_settings(watch_folders=folders)
