from pathlib import Path

import pytest
from pydantic import ValidationError

from shadowboard.errors import SettingsInvalid
from shadowboard.settings import load_settings


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_PORT", "9000")
    monkeypatch.setenv("SHADOWBOARD_HOME", "elsewhere")
    settings = load_settings(port=9001, home=None)
    assert (settings.port, settings.home) == (9001, Path("elsewhere"))
    assert settings.store_url == "sqlite:///elsewhere/shadowboard.db"


def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHADOWBOARD_PORT", "high")
    with pytest.raises(SettingsInvalid, match="SHADOWBOARD_PORT is 'high'; expected a valid integer"):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1
