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
        ({"admin_listen": "0.0.0.0:50052"}, "reachable from other machines; give 127.0.0.1:PORT or unix:PATH"),
        ({"device_index": "0,x"}, "no list of device numbers"),
        ({"device": "tpu"}, "'cpu', 'cuda' or 'auto'"),
        ({"compute_type": "int4"}, "'int8'"),
        ({"memory_cap": "much"}, "could not parse value and unit"),
        ({"idle_unload": -1}, "greater than or equal to 0"),
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


@pytest.mark.parametrize("listen", ["", "127.0.0.1:50052", "[::1]:50052", "unix:/run/polygist-admin.sock"])
def test_administrators_are_on_this_machine(listen):
    assert load_settings({"admin_listen": listen}).admin_listen == listen


@pytest.mark.parametrize(("given", "size"), [("0", 0), ("4GB", 4 * 10**9), ("512MiB", 512 * 2**20), ("1000", 1000)])
def test_memory_is_said_in_units(monkeypatch, given, size):
    monkeypatch.setenv("POLYGIST_MEMORY_CAP", given)
    assert load_settings({}).memory_cap == size


@pytest.mark.parametrize(
    ("given", "names"), [("all", None), ("none", ()), ("en-pt", ("en-pt",)), ("en-pt, pt-en,", ("en-pt", "pt-en"))]
)
def test_models_to_load_at_start(given, names):
    assert load_settings({"preload": given}).preloaded == names


def test_devices_are_numbers():
    assert load_settings({"device_index": "0, 1"}).device_indexes == (0, 1)
