"""Models of a server in service are replaced, added and removed."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from polygist_client import AsyncClient, Client, InferenceFailed, LanguagePairUnsupported

from tests.end_to_end.server import SERVE, ServerProcess, find_free_port

pytestmark = pytest.mark.model

TRANSLATION = "polygist.v1.TranslationService"
CALLERS = 32
WARM_UP = 2


def resident_bytes(process: ServerProcess) -> int:
    """Memory of a server's process."""
    pages = int(Path(f"/proc/{process.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def serve_with_administration(home: Path, log: Path, *flags: str) -> tuple[ServerProcess, str]:
    """A server, and where its administrators call."""
    admin = f"127.0.0.1:{find_free_port()}"
    return ServerProcess(home, log, "--admin-listen", admin, *flags), admin


async def reload_under_load(client: AsyncClient, admin: AsyncClient, reloads: int) -> int:
    """Replace en-pt so many times while all callers translate; returns how many calls the least lucky one made."""
    is_over = asyncio.Event()

    async def call(number: int) -> int:
        done = 0
        while not is_over.is_set():
            translation = await client.translate(f"Train {number} left at {done} seconds.", to="pt", source="en")
            assert str(number) in translation.text, translation.text
            done += 1
        return done

    callers = [asyncio.create_task(call(1000 + number)) for number in range(CALLERS)]
    for _ in range(reloads):
        assert (await admin.load_model("en-pt")).state == "ready"
    is_over.set()
    return min(await asyncio.gather(*callers))


async def resident_at_rest(process: ServerProcess, admin: AsyncClient) -> int:
    """Memory after one more reload, which lets the C library give back what the calls had."""
    await admin.load_model("en-pt")
    await asyncio.sleep(0.5)  # the old model goes a moment after its last use
    return resident_bytes(process)


@pytest.mark.parametrize("reloads", [3, pytest.param(20, marks=pytest.mark.chaos)])
async def test_reloads_under_load_fail_no_call_and_keep_no_memory(starter_home, tmp_path, reloads):
    process, address = serve_with_administration(starter_home, tmp_path / "log")
    with process:
        await asyncio.to_thread(process.wait_until_serving)
        async with AsyncClient(process.address) as client, AsyncClient(address) as admin:
            await reload_under_load(client, admin, WARM_UP)
            before = await resident_at_rest(process, admin)
            assert await reload_under_load(client, admin, reloads) > 0
            after = await resident_at_rest(process, admin)
            assert after <= 1.1 * before
    assert len(process.events("model_loaded")) == 3 + WARM_UP + reloads + 2
    assert {event["code"] for event in process.events("call")} == {"OK"}


def test_a_language_pair_comes_and_goes_while_it_serves(starter_home, tmp_path):
    """Two commands for an operator: pull, and reload; here the pull is a copy."""
    home = tmp_path / "home"
    shutil.copytree(starter_home / "models" / "en-pt", home / "models" / "en-pt")
    process, address = serve_with_administration(home, tmp_path / "log", "--idle-unload", "300")
    with process, Client(process.address) as client, Client(address) as admin:
        process.wait_until_serving()
        with pytest.raises(LanguagePairUnsupported):
            client.translate("A biblioteca é antiga.", to="en", source="pt")
        shutil.copytree(starter_home / "models" / "pt-en", home / "models" / "pt-en")
        assert admin.reload_configuration() == ["models/pt-en"]
        assert "library" in client.translate("A biblioteca é antiga.", to="en", source="pt").text
        assert {model.name: model.state for model in client.list_models()} == {
            "models/en-pt": "ready", "models/pt-en": "ready",
        }  # fmt: skip
        assert admin.unload_model("pt-en").state == "unloaded"
        assert "library" in client.translate("A biblioteca é antiga.", to="en", source="pt").text
        shutil.rmtree(home / "models" / "pt-en")
        assert admin.reload_configuration() == ["models/pt-en"]
        with pytest.raises(LanguagePairUnsupported):
            client.translate("A biblioteca é antiga.", to="en", source="pt")


def test_nothing_is_loaded_before_its_first_use(starter_home, tmp_path):
    with ServerProcess(starter_home, tmp_path / "log", "--preload", "none") as process:
        process.wait_until_serving()
        with Client(process.address) as client:
            assert {model.state for model in client.list_models()} == {"unloaded"}
            assert client.health() == "serving"
            assert "biblioteca" in client.translate("The library is old.", to="pt", source="en").text
    assert [event["model"] for event in process.events("model_loaded")] == ["en-pt"]


def test_health_follows_a_model_that_fails_and_is_mended(starter_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(starter_home / "models" / "en-pt", home / "models" / "en-pt")
    weights = home / "models" / "en-pt" / "model.bin"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:1000])
    process, address = serve_with_administration(home, tmp_path / "log", "--preload", "none")
    with process, Client(address) as admin:
        process.wait_until_serving()
        assert admin.health(TRANSLATION) == "serving"
        with pytest.raises(InferenceFailed, match=r"model en-pt is damaged: model\.bin has changed"):
            admin.load_model("en-pt")
        assert wait_for_health(admin, "not-serving") == "not-serving"
        weights.write_bytes(whole)
        admin.load_model("en-pt")
        assert wait_for_health(admin, "serving") == "serving"


def wait_for_health(client: Client, wanted: str) -> str:
    """The health of translation, once it is what is wanted or has had time to become it."""
    for _ in range(100):
        if (health := client.health(TRANSLATION)) == wanted:
            break
        time.sleep(0.05)
    return health


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--preload", "en-pt,en-fi"], "preload: no model 'en-fi' is installed; installed: en-pt, minilm, pt-en"),
        (["--device-index", "3"], "device index 3 is none of cpu's; there is: 0"),
        (["--compute-type", "float16"], "compute type float16 is not supported by cpu; supported: "),
    ],
)
def test_what_cannot_be_served_ends_the_start(starter_home, flags, problem):
    done = subprocess.run(
        [*SERVE, "--home", str(starter_home), "--listen", "127.0.0.1:0", *flags],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {problem}")
