"""Every knob of the server, declared once: flag, environment variable, configuration file, help and default."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import ByteSize, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from polygist_service.limits import Limits
from polygist_service.text.languages import parse_tag

Switch = Literal["auto", "on", "off"]
ComputeType = Literal[
    "", "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
]  # fmt: skip
Seconds = Annotated[float, Field(ge=0)]


def default_home() -> Path:
    """The platform's data folder; a user without a home, such as a service's own, has the system's."""
    try:
        return user_data_path("polygist")
    except RuntimeError:
        return Path("/var/lib/polygist")


class Settings(BaseSettings):
    """Flag over environment (``POLYGIST_…``) over configuration file over default; raises ValidationError."""

    model_config = SettingsConfigDict(
        env_prefix="POLYGIST_", env_nested_delimiter="__", frozen=True, extra="forbid", cli_parse_args=False
    )

    home: Path = Field(default_factory=default_home, description="folder of the installed models")
    listen: str = Field("127.0.0.1:50051", description="address to listen on: HOST:PORT or unix:PATH; port 0 picks one")
    # Off unless asked for: a second server on the machine would find a fixed port taken, and the port has no TLS.
    metrics_listen: str = Field("", description="HOST:PORT for Prometheus, plain HTTP; empty serves no metrics")
    insecure: bool = Field(False, description="allow an address beyond loopback without TLS")
    tls_cert: Path | None = Field(None, description="PEM file with the server's certificate chain")
    tls_key: Path | None = Field(None, description="PEM file with the server's private key")
    slots: int = Field(0, ge=0, description="batches that run at the same time; 0 is one for each usable core")
    text_threads: int = Field(2, ge=1, description="threads for splitting, tokenising and detecting")
    preload: str = Field(
        "all", description="models to load at start: all, none or NAME,NAME; others are loaded by their first use",
        json_schema_extra={"metavar": "NAMES"},
    )  # fmt: skip
    idle_unload: Seconds = Field(0.0, description="seconds after which an unused model is unloaded; 0 is never")
    memory_cap: ByteSize = Field(
        ByteSize(0), description="most memory for all loaded models, such as 4GB or 512MiB; 0 is no cap",
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

    @field_validator("metrics_listen")
    @classmethod
    def validate_metrics_listen(cls, listen: str) -> str:
        """Refuse what is no HOST:PORT."""
        host, _, port = listen.rpartition(":")
        if listen and not (host and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"{listen!r} is no HOST:PORT such as 127.0.0.1:9464")
        return listen

    @field_validator("admin_listen")
    @classmethod
    def validate_admin_listen(cls, listen: str) -> str:
        """Refuse an address that other machines reach."""
        if listen and not _is_local(listen):
            raise ValueError(f"{listen!r} is reachable from other machines; give 127.0.0.1:PORT or unix:PATH")
        return listen

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
            raise ValueError("tls_cert and tls_key belong together: give both or neither")
        if not (self.is_local or self.tls_cert or self.insecure):
            raise ValueError(
                f"listen={self.listen} is reachable from other machines: give tls_cert and tls_key, or say --insecure"
            )
        return self

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
    def is_local(self) -> bool:
        """Whether only this machine can reach the address."""
        return _is_local(self.listen)

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

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(flags: dict[str, Any], config: Path | None = None) -> Settings:
    """Read all sources; `flags` are those given on the command line, `config` is a TOML file."""

    class Configured(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    return Configured(**flags)


def split_names(value: str) -> tuple[str, ...]:
    """The parts of a comma-separated list, without blanks around them; none for an empty one."""
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_local(listen: str) -> bool:
    """Whether only this machine can reach an address."""
    if listen.startswith("unix:"):
        return True
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
