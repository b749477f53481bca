from pathlib import Path

import pytest
from polygist_client.cli.app import polygist
from polygist_service.settings import find_mistyped, find_unknown, load_home, load_settings, setting_names
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
        ({"tls_client_ca": "ca.pem"}, "tls_client_ca is given and tls_cert is not: .*; give tls_cert and tls_key too"),
        ({"tls_client_ca": ""}, "'' names no file; give one, or leave it out"),
        ({"glossaries": ""}, "'' is no folder; give one with glossaries, NAME.tsv or NAME.csv"),
        ({"unknown": 1}, "not permitted"),
        ({"admin_listen": "0.0.0.0:50052"}, "reachable from other machines; give 127.0.0.1:PORT or unix:PATH"),
        ({"device_index": "0,x"}, "no list of device numbers"),
        ({"device": "tpu"}, "'cpu', 'cuda' or 'auto'"),
        ({"compute_type": "int4"}, "'int8'"),
        ({"memory_cap": "much"}, "could not parse value and unit"),
        ({"idle_unload": -1}, "greater than or equal to 0"),
        ({"slots": 99_999}, "less than or equal to 512"),
        ({"text_threads": 99_999}, "less than or equal to 512"),
        ({"grace": "nan"}, "finite number"),
        ({"grace": True}, "true is no number"),
        ({"slots": True}, "true is no number"),
        ({"memory_cap": "10KB"}, "10000 bytes are too few for any model; give a size with its unit"),
        ({"sentence_cache": "256"}, "256 bytes are too few to be of use; give a size with its unit, such as 256MB"),
        ({"listen": ["a", "b"]}, "is no text; give one address"),
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


@pytest.mark.parametrize(
    ("given", "size"), [("0", 0), ("4GB", 4 * 10**9), ("512MiB", 512 * 2**20), ("2000000", 2_000_000)]
)
def test_memory_is_said_in_units(monkeypatch, given, size):
    monkeypatch.setenv("POLYGIST_MEMORY_CAP", given)
    monkeypatch.setenv("POLYGIST_SENTENCE_CACHE", given)
    assert load_settings({}).memory_cap == load_settings({}).sentence_cache == size


def test_nothing_is_kept_or_open_to_others_unless_asked_for():
    settings = load_settings({})
    assert settings.sentence_cache == 0
    assert settings.is_local
    assert (settings.admin_listen, settings.metrics_listen, settings.insecure) == ("", "", False)


@pytest.mark.parametrize(
    ("given", "names"), [("all", None), ("none", ()), ("en-pt", ("en-pt",)), ("en-pt, pt-en,", ("en-pt", "pt-en"))]
)
def test_models_to_load_at_start(given, names):
    assert load_settings({"preload": given}).preloaded == names


def test_devices_are_numbers():
    assert load_settings({"device_index": "0, 1"}).device_indexes == (0, 1)


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch):
    for name in setting_names():
        monkeypatch.setenv(f"POLYGIST_{name.upper()}", "")
    settings = load_settings({})
    assert (settings.slots, settings.insecure, settings.tls_cert, settings.listen) == (
        0,
        False,
        None,
        "127.0.0.1:50051",
    )
    assert settings.limits.words == 10_000
    assert load_home() == settings.home


@pytest.mark.parametrize("name", ["listen", "admin_listen", "metrics_listen"])
@pytest.mark.parametrize("text", ["localhost", ":70000", ":-1", "51080", "http://127.0.0.1:1"])
def test_an_address_is_read_strictly_wherever_it_is_said(monkeypatch, tmp_path, name, text):
    with pytest.raises(ValidationError, match="give "):
        load_settings({name: text})
    config = tmp_path / "polygist.toml"
    config.write_text(f"{name} = {text!r}\n")
    with pytest.raises(ValidationError, match="give "):
        load_settings({}, config)
    monkeypatch.setenv(f"POLYGIST_{name.upper()}", text)
    with pytest.raises(ValidationError, match="give "):
        load_settings({})


def test_a_bare_port_in_a_file_is_a_number_and_refused_all_the_same(tmp_path):
    (tmp_path / "polygist.toml").write_text("listen = 51080\n")
    with pytest.raises(ValidationError, match=r"give 127\.0\.0\.1:51080"):
        load_settings({}, tmp_path / "polygist.toml")


def test_blanks_around_an_address_are_left_out():
    assert load_settings({"listen": " localhost:1 "}).listen == "localhost:1"


def test_two_servers_cannot_have_one_address():
    with pytest.raises(ValidationError, match=r"listen and admin_listen are both 127\.0\.0\.1:1"):
        load_settings({"listen": "127.0.0.1:1", "admin_listen": "127.0.0.1:1"})
    assert load_settings({"listen": "127.0.0.1:0", "metrics_listen": "127.0.0.1:0"})


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "polygist.toml").write_bytes(b"\xef\xbb\xbfslots = 3\r\n")
    assert load_settings({}, tmp_path / "polygist.toml").slots == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"slots = 3\ngrace ==", "no TOML: .*line 2"),
        (b"slots = 3\n\ngrace =", "no TOML: .*line 3"),
        (b"slots = 3\n# \xe9\n", r"no UTF-8 \(at line 2\); save it as UTF-8"),
        ("slots = 3\n".encode("utf-16"), "no UTF-8"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path, content, problem):
    (tmp_path / "polygist.toml").write_bytes(content)
    with pytest.raises(ValueError, match=f"polygist.toml: {problem}"):
        load_settings({}, tmp_path / "polygist.toml")


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("POLYGIST_SLOT", "POLYGIST_SLOTS"),
        ("POLYGIST_MEMORYCAP", "POLYGIST_MEMORY_CAP"),
        ("polygist_tsl_cert", "POLYGIST_TLS_CERT"),
        ("POLYGIST_LIMIT_WORDS", "POLYGIST_LIMITS__WORDS"),
        ("POLYGIST_LIMITS_WORDS", "POLYGIST_LIMITS__WORDS"),
        ("POLYGIST_LIMITS__SENTENCE", "POLYGIST_LIMITS__SENTENCES"),
    ],
)
def test_a_mistyped_variable_is_told_with_the_nearest(variable, meant):
    assert list(find_mistyped({variable: "1"}, setting_names())) == [(variable, meant)]
    assert list(find_mistyped({variable: ""}, setting_names())) == []
    assert list(find_mistyped({meant: "1"}, setting_names())) == []


def test_variables_of_the_client_and_of_kubernetes_are_nothing_of_ours():
    commands = [polygist, *polygist.commands.values(), *polygist.commands["models"].commands.values()]
    words = {name for command in commands for option in command.params for name in [option.name, *option.opts]}
    names = {f"POLYGIST_{word.strip('-').replace('-', '_').upper()}" for word in words}
    links = {"POLYGIST_SERVICE_HOST", "POLYGIST_SERVICE_PORT", "POLYGIST_PORT", "POLYGIST_PORT_50051_TCP_ADDR"}
    theirs = {"POLYGIST_API_KEY": "k", "POLYGIST_ADDRESS": "a", **dict.fromkeys(names | links, "x")}
    assert list(find_mistyped(theirs, setting_names())) == []
    assert (
        find_unknown(
            dict.fromkeys(["POLYGIST_API_KEY", "POLYGIST_ADDRESS", "POLYGIST_CA", "POLYGIST_CONFIG", *links], "x")
        )
        == []
    )


def test_variables_of_nobody_are_told():
    known = [f"POLYGIST_{name.upper()}" for name in setting_names()]
    assert find_unknown(dict.fromkeys([*known, "POLYGIST_FOO", "POLYGIST_SERVER_LISTEN", "HOME"], "x")) == [
        "POLYGIST_FOO", "POLYGIST_SERVER_LISTEN",
    ]  # fmt: skip


def test_a_home_may_be_said_from_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("POLYGIST_HOME", "~/models")
    assert load_settings({}).home == load_home() == tmp_path / "models"


def test_where_the_models_are_is_known_whatever_else_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv(
        "POLYGIST_LISTEN", "0.0.0.0:50051"
    )  # as in an image, whose server gets its certificate by a flag
    monkeypatch.setenv("POLYGIST_SLOTS", "few")
    assert load_home(tmp_path) == tmp_path
