from pathlib import Path

import pytest
from polygist_service.settings import load_settings
from pydantic import ValidationError


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for name in ("POLYGIST_LISTEN", "POLYGIST_GRACE", "POLYGIST_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_a_flag_beats_the_environment_beats_the_file_beats_the_default(monkeypatch, tmp_path):
    config = tmp_path / "polygist.toml"
    config.write_text("grace = 3\nslots = 3\ntext_threads = 3\n[limits]\ntranslate_contents = 3\n")
    monkeypatch.setenv("POLYGIST_GRACE", "2")
    monkeypatch.setenv("POLYGIST_SLOTS", "2")
    settings = load_settings({"grace": "1"}, config)
    assert (settings.grace, settings.slots, settings.text_threads, settings.lame_duck) == (1, 2, 3, 0)
    assert settings.limits.translate_contents == 3


def test_a_limit_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("POLYGIST_LIMITS__ALTERNATIVES", "2")
    assert load_settings({}).limits.alternatives == 2


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "unix:/run/polygist.sock"])
def test_local_addresses_need_no_tls(listen):
    settings = load_settings({"listen": listen})
    assert settings.is_local
    assert settings.serves_reflection


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1", "example.org:1"])
def test_other_addresses_need_tls_or_the_flag(listen):
    with pytest.raises(ValidationError, match="--insecure"):
        load_settings({"listen": listen})
    assert not load_settings({"listen": listen, "insecure": True}).serves_reflection


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ({"slots": -1}, "greater than or equal to 0"),
        ({"log_format": "xml"}, "'json' or 'console'"),
        ({"limits": {"words": 0}}, "must be at least 1"),
        ({"tls_cert": "cert.pem"}, "belong together"),
        ({"unknown": 1}, "not permitted"),
    ],
)
def test_a_wrong_value_is_refused(flags, problem):
    with pytest.raises(ValidationError, match=problem):
        load_settings(flags)


def test_a_user_without_a_home_has_the_systems_folder(monkeypatch):
    def fail(name):
        raise RuntimeError("no home")

    monkeypatch.setattr("polygist_service.settings.user_data_path", fail)
    assert load_settings({}).home == Path("/var/lib/polygist")
