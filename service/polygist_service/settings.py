"""Every knob of the server, declared once: flag, environment variable, configuration file, help and default."""

import re
import shlex
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from polygist.files import read_plain
from pydantic import ByteSize, Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from polygist_service.addresses import ENDPOINT, Address, parse_address, parse_host
from polygist_service.limits import Limits
from polygist_service.text.languages import parse_tag

Switch = Literal["auto", "on", "off"]
ComputeType = Literal[
    "", "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
]  # fmt: skip
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
# How long somebody is waited for at least: nobody is as quick as nothing.
Patience = Annotated[float, Field(ge=0.1, allow_inf_nan=False)]
PREFIX = "POLYGIST_"
# Settings that are addresses, with the port that their cure names.
PORTS = {"listen": 50051, "http_listen": 8080, "admin_listen": 50052, "metrics_listen": 9464}
# More threads than that no machine serves, and may not even start.
MOST_THREADS = 512
# No model takes as little: whoever gives a smaller size has left the unit out.
LEAST_SIZE = 1_000_000
# Variables of the client.
OF_CLIENT = frozenset(
    {"address", "api_key", "api_key_file", "ca", "cert", "complete", "key", "timeout", "tls", "trust_network"}
)
# A name that shares so much with that of a setting was meant for it.
LEAST_LIKENESS = 0.8
# As browsers write it: https://developer.mozilla.org/docs/Web/HTTP/Headers/Origin
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/?#@,]+")
# Commands of an advice.
TAKES_HOME = re.compile(r"polygist-server (models|bench)\b")
# What Kubernetes sets in every pod beside a Service that is called polygist.
SERVICE_LINK = re.compile(r"(SERVICE_(HOST|PORT.*)|PORT|PORT_\d+_(TCP|UDP|SCTP).*)")


def default_home() -> Path:
    """The platform's data folder; a user without a home, such as a service's own, has the system's."""
    try:
        return user_data_path("polygist")
    except RuntimeError:
        return Path("/var/lib/polygist")


class Home(BaseSettings):
    """Where the models are, for those who need no more of the settings; an empty variable is none."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(default_factory=default_home, description="folder of the installed models")

    @field_validator("home")
    @classmethod
    def validate_home(cls, home: Path) -> Path:
        """Put the user's own folder in place of ``~``, which no shell has done in a file or a unit of systemd."""
        try:
            return home.expanduser()
        except RuntimeError:
            raise ValueError(f"{str(home)!r} names the folder of an unknown user; give the whole path") from None


class Settings(Home):
    """Flag over environment (``POLYGIST_…``) over configuration file over default; raises ValidationError."""

    model_config = SettingsConfigDict(extra="forbid")

    listen: str = Field("127.0.0.1:50051", description="address to listen on: HOST:PORT or unix:PATH; port 0 picks one")
    http_listen: str = Field("", description="HOST:PORT or unix:PATH for HTTP and JSON; empty serves none")
    # Off unless asked for: a second server on the machine would find a fixed port taken, and the port has no TLS.
    metrics_listen: str = Field("", description="HOST:PORT for Prometheus, plain HTTP; empty serves no metrics")
    otlp_endpoint: str = Field(
        "", description="http://HOST:4317 of an OpenTelemetry collector, for traces and metrics; empty sends none",
        json_schema_extra={"metavar": "URL"},
    )  # fmt: skip
    trace_ratio: float = Field(
        1.0, ge=0, le=1, description="share of the traces begun here that are recorded; callers decide for their own",
        json_schema_extra={"metavar": "RATIO"},
    )  # fmt: skip
    http_hosts: str = Field(
        "", description="names that HTTP is asked under, beside localhost and addresses; with TLS any; * is any",
        json_schema_extra={"metavar": "NAMES"},
    )  # fmt: skip
    http_cors_origins: str = Field(
        "", description="web pages that may call over HTTP, such as https://example.org; * is any; empty is none",
        json_schema_extra={"metavar": "ORIGINS"},
    )  # fmt: skip
    connection_age: Seconds = Field(
        600.0, description="seconds after which callers are told to connect anew, and find new replicas; 0 is never"
    )
    http_connections: int = Field(2048, ge=1, description="connections over HTTP at the same time")
    http_header_seconds: Patience = Field(10.0, description="seconds that a caller over HTTP has to send its headers")
    http_reading_seconds: Patience = Field(
        60.0, description="seconds after which a caller over HTTP who reads nothing of an answer is cut off"
    )
    http_lingering_seconds: Seconds = Field(
        2.0,
        description="seconds for which the rest of a refused body is still taken, so that the answer arrives",
    )
    insecure: bool = Field(False, description="allow an address beyond loopback without TLS")
    tls_cert: Path | None = Field(None, description="PEM file with the server's certificate chain")
    tls_key: Path | None = Field(None, description="PEM file with the server's private key")
    tls_client_ca: Path | None = Field(
        None, description="PEM file of those whose clients may connect, each with a certificate of theirs"
    )
    access_keys: Path | None = Field(
        None, description="file of the API keys that callers need; polygist-server keys add makes it",
        json_schema_extra={"metavar": "FILE"},
    )  # fmt: skip
    slots: int = Field(
        0, ge=0, le=MOST_THREADS, description="batches that run at the same time; 0 is one for each usable core"
    )
    text_threads: int = Field(2, ge=1, le=MOST_THREADS, description="threads for splitting, tokenising and detecting")
    preload: str = Field(
        "all", description="models to load at start: all, none or NAME,NAME; others are loaded by their first use",
        json_schema_extra={"metavar": "NAMES"},
    )  # fmt: skip
    idle_unload: Seconds = Field(0.0, description="seconds after which an unused model is unloaded; 0 is never")
    memory_cap: ByteSize = Field(
        ByteSize(0), description="most memory for all loaded models, such as 4GB or 512MiB; 0 is no cap",
        json_schema_extra={"metavar": "SIZE"},
    )  # fmt: skip
    sentence_cache: ByteSize = Field(
        ByteSize(0), description="most memory for results of sentences that come again, such as 256MB; 0 keeps none",
        json_schema_extra={"metavar": "SIZE"},
    )  # fmt: skip
    device: Literal["cpu", "cuda", "auto"] = Field("cpu", description="where the models run")
    device_index: str = Field(
        "0", description="which of the GPUs, such as 0 or 0,1; each gets a copy of the models",
        json_schema_extra={"metavar": "N,N"},
    )  # fmt: skip
    compute_type: ComputeType = Field(
        "", description="numbers that all models calculate with, such as int8_float16; empty is each its own",
        json_schema_extra={"metavar": "TYPE"},
    )  # fmt: skip
    admin_listen: str = Field("", description="loopback HOST:PORT or unix:PATH for ModelAdminService; empty is off")
    glossaries: Path | None = Field(
        None, description="folder of glossaries, NAME.tsv or NAME.csv, whose first row names languages",
        json_schema_extra={"metavar": "DIR"},
    )  # fmt: skip
    pivot_languages: str = Field(
        "en", description="languages to translate by way of first, where no model does a pair directly",
        json_schema_extra={"metavar": "CODES"},
    )  # fmt: skip
    grace: Seconds = Field(8.0, description="seconds that calls in flight get to finish after SIGTERM")
    lame_duck: Seconds = Field(0.0, description="seconds between NOT_SERVING and the first refused call")
    stall_seconds: Seconds = Field(
        5.0, description="seconds without a turn of the event loop, or with all batches beyond three times what was "
        "predicted, after which health is NOT_SERVING; 0 never looks",
    )  # fmt: skip
    stall_grace: Seconds = Field(10.0, description="seconds that such a server gets to go on before it exits with 70")
    reflection: Switch = Field("auto", description="serve the protos by reflection; auto is on loopback and unix only")
    log_format: Literal["json", "console"] = Field("json", description="form of the log on standard error")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    log_queue: int = Field(10_000, ge=1, description="lines of the log that may wait to be written; more are dropped")
    limits: Limits = Field(default_factory=Limits, description="limits on one request")

    @field_validator("*", mode="before")
    @classmethod
    def validate_number(cls, given: object, info: ValidationInfo) -> object:
        """Refuse a switch where a number belongs, which TOML tells apart and Python does not."""
        if isinstance(given, bool) and cls.model_fields[str(info.field_name)].annotation in (int, float, ByteSize):
            raise ValueError(f"{str(given).lower()} is no number")
        return given

    @field_validator("memory_cap", "sentence_cache")
    @classmethod
    def validate_size(cls, value: ByteSize, info: ValidationInfo) -> ByteSize:
        """Refuse a cap that no model fits under, and a cache of a few hundred sentences."""
        if 0 < value < LEAST_SIZE:
            purpose, usual = ("for any model", "4GB") if info.field_name == "memory_cap" else ("to be of use", "256MB")
            raise ValueError(f"{int(value)} bytes are too few {purpose}; give a size with its unit, such as {usual}")
        return value

    @field_validator(*PORTS, mode="before")
    @classmethod
    def validate_address(cls, given: object, info: ValidationInfo) -> str:
        """Refuse what is no address, and of administrators one that other machines reach."""
        if isinstance(given, list | dict):
            raise ValueError(f"{given!r} is no text; give one address, HOST:PORT")
        name, text = str(info.field_name), str(given).strip()
        if not text:
            return ""
        address = parse_address(text, port=PORTS[name], takes_unix=name != "metrics_listen")
        if name == "admin_listen" and not address.is_local:
            raise ValueError(f"{text!r} is reachable from other machines; give 127.0.0.1:PORT or unix:PATH")
        return str(address)

    @field_validator("otlp_endpoint")
    @classmethod
    def validate_endpoint(cls, given: str) -> str:
        """Refuse what is no address of a collector; without a scheme it would not be known whether it has TLS."""
        if given and not ENDPOINT.fullmatch(given):
            raise ValueError(f"{given!r} is no address of a collector; give one such as http://127.0.0.1:4317")
        return given

    @field_validator("tls_cert", "tls_key", "tls_client_ca", "access_keys", mode="before")
    @classmethod
    def validate_file(cls, given: object) -> object:
        """Refuse an empty path, which would be the folder of this process."""
        if str(given) == "":
            raise ValueError("'' names no file; give one, or leave it out")
        return cls.validate_home(Path(given)) if isinstance(given, str | Path) else given

    @field_validator("glossaries", mode="before")
    @classmethod
    def validate_glossaries(cls, given: object) -> object:
        """Refuse an empty path, which would be the folder of this process."""
        if str(given) == "":
            raise ValueError("'' is no folder; give one with glossaries, NAME.tsv or NAME.csv")
        return cls.validate_home(Path(given)) if isinstance(given, str | Path) else given

    @field_validator("device_index")
    @classmethod
    def validate_device_index(cls, value: str) -> str:
        """Refuse what is no list of numbers."""
        if not all(index.strip().isdecimal() for index in value.split(",")):
            raise ValueError(f"{value!r} is no list of device numbers such as 0 or 0,1")
        return value

    @model_validator(mode="after")
    def validate_security(self) -> "Settings":
        """Refuse half a certificate, and an open address that nobody asked for."""
        if (self.tls_cert is None) != (self.tls_key is None):
            given, missing = ("tls_cert", "tls_key") if self.tls_cert else ("tls_key", "tls_cert")
            raise ValueError(f"{given} is given and {missing} is not: they belong together, give both or neither")
        if self.tls_client_ca and not self.tls_cert:
            raise ValueError(
                "tls_client_ca is given and tls_cert is not: clients show certificates over TLS only; give tls_cert and"
                " tls_key too"
            )
        if not (self.listen or self.http_listen):
            raise ValueError(
                "listen and http_listen are both empty, and nothing would be served; give listen 127.0.0.1:50051"
            )
        if (name := self.open_address) and not (self.tls_cert or self.insecure):
            raise ValueError(
                f"{name}={getattr(self, name)} is reachable from other machines: give tls_cert and tls_key, or say"
                " --insecure"
            )
        taken: dict[Address, str] = {}
        for name in PORTS:
            address = self.address(name)
            if address and (address.port or address.path) and (other := taken.setdefault(address, name)) != name:
                raise ValueError(f"{other} and {name} are both {address}: give each an address of its own")
        return self

    def address(self, name: str) -> Address | None:
        """The address of one of `PORTS`; None where it is not served."""
        given = getattr(self, name)
        return parse_address(given) if given else None

    @property
    def pivots(self) -> tuple[str, ...]:
        """The pivot languages, each as `parse_tag` spells it."""
        return tuple(map(parse_tag, split_names(self.pivot_languages)))

    @field_validator("pivot_languages")
    @classmethod
    def validate_pivot_languages(cls, value: str) -> str:
        """Refuse what is no language code."""
        for name in split_names(value):
            parse_tag(name)
        return value

    @property
    def open_address(self) -> str:
        """The setting of an address with the services that other machines can reach; empty where there is none."""
        served = ((name, self.address(name)) for name in ("listen", "http_listen"))
        return next((name for name, address in served if address and not address.is_local), "")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the addresses."""
        return not self.open_address

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of `http_hosts`."""
        return split_names(self.http_hosts)

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The origins of `http_cors_origins`."""
        return split_names(self.http_cors_origins)

    @field_validator("http_cors_origins")
    @classmethod
    def validate_origins(cls, value: str) -> str:
        """Refuse what no browser calls the origin of a page."""
        for name in split_names(value):
            if name != "*" and not ORIGIN.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no origin of a page; give one such as https://example.org, without a path"
                )
        return value

    @field_validator("http_hosts")
    @classmethod
    def validate_hosts(cls, value: str) -> str:
        """Refuse what is no name of a host."""
        for name in split_names(value):
            if name != "*":
                parse_host(name, name, PORTS["http_listen"])
        return value

    @property
    def device_indexes(self) -> tuple[int, ...]:
        """The numbers of `device_index`."""
        return tuple(int(index) for index in self.device_index.split(","))

    @property
    def preloaded(self) -> tuple[str, ...] | None:
        """The names of `preload`; None for all."""
        return None if self.preload == "all" else () if self.preload == "none" else split_names(self.preload)

    @property
    def serves_reflection(self) -> bool:
        """What `reflection` comes to on this address."""
        return self.is_local if self.reflection == "auto" else self.reflection == "on"


def load_settings(flags: dict[str, Any], config: Path | None = None, *, only_http: bool = False) -> Settings:
    """Read all sources; `flags` are those given on the command line, `config` is a TOML file.

    Where `only_http`, gRPC is not served, whatever they say of it, and HTTP is, at its default address.

    Raises:
        ValidationError: a value is wrong, or the file has a key that is no setting.
        ValueError: the file is no TOML.
        OSError: it cannot be read.
    """
    tree = read_toml(config) if config else {}

    class Configured(Settings):
        http_listen: str = Field(f"127.0.0.1:{PORTS['http_listen']}" if only_http else "")

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=tree)

    return Configured(**({**flags, "listen": ""} if only_http else flags))


def load_home(home: Path | None = None) -> Path:
    """The folder of the installed models: as given, else of the environment, else the default."""
    return Home(**({} if home is None else {"home": home})).home


def name_home(advice: str, home: Path) -> str:
    """Return an advice whose commands name the folder of the models, where they would take another one."""
    flag = f" --home {shlex.quote(str(home))}"
    return advice if home == load_home() else TAKES_HOME.sub(lambda command: f"{command[0]}{flag}", advice)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, one with a byte order mark too; raises ValueError, naming file and line, where it is none."""
    content = read_plain(path, takes_pipe=True)  # as of the shell's <(…); it is read this once
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}: no UTF-8 (at line {line}); save it as UTF-8") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error).replace("end of document", f"the end, line {len(text.splitlines())}")
        raise ValueError(f"{path}: no TOML: {reason}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise ValueError(f"{path}: no settings: {error}") from error


def setting_names() -> tuple[str, ...]:
    """Every setting as a variable names it, without the prefix and in small letters."""
    own = [name for name in Settings.model_fields if name != "limits"]
    return (*own, *(f"limits__{each.name}" for each in fields(Limits)))


def find_mistyped(environment: Mapping[str, str], wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that is meant for a setting among those `wanted` and names none, with the nearest name.

    Others with our prefix are left alone: they are of the client, or of what runs the process.
    """
    names = setting_names()
    for variable, value in environment.items():
        word = variable.upper().removeprefix(PREFIX)
        if not variable.upper().startswith(PREFIX) or not value or SERVICE_LINK.fullmatch(word):
            continue
        if word.lower() not in names and (near := nearest(word.lower(), names)) in wanted:
            yield variable, f"{PREFIX}{str(near).upper()}"


def find_unknown(environment: Mapping[str, str]) -> list[str]:
    """Return the variables with our prefix that are neither of the server nor of the client, nor of Kubernetes."""
    known = {*setting_names(), *OF_CLIENT, "config"}
    words = {name: name.upper().removeprefix(PREFIX) for name in environment if name.upper().startswith(PREFIX)}
    return sorted(
        name for name, word in words.items() if word.lower() not in known and not SERVICE_LINK.fullmatch(word)
    )


def nearest(word: str, names: Iterable[str]) -> str | None:
    """The name that `word` was most likely meant for; None where none is near."""
    return next(iter(get_close_matches(word.lower().replace("-", "_"), names, n=1, cutoff=LEAST_LIKENESS)), None)


def split_names(value: str) -> tuple[str, ...]:
    """The parts of a comma-separated list, without blanks around them; none for an empty one."""
    return tuple(part.strip() for part in value.split(",") if part.strip())
