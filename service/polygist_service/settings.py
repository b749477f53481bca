"""Every knob of the server, declared once: flag, environment variable, configuration file, help and default."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from polygist_service.limits import Limits

Switch = Literal["auto", "on", "off"]
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
    device: Literal["cpu", "cuda", "auto"] = Field("cpu", description="where the models run")
    grace: Seconds = Field(8.0, description="seconds that calls in flight get to finish after SIGTERM")
    lame_duck: Seconds = Field(0.0, description="seconds between NOT_SERVING and the first refused call")
    reflection: Switch = Field("auto", description="serve the protos by reflection; auto is on loopback and unix only")
    log_format: Literal["json", "console"] = Field("json", description="form of the log on standard error")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level that is logged")
    limits: Limits = Field(default_factory=Limits, description="limits on one request")

    @field_validator("metrics_listen")
    @classmethod
    def _check_port(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if listen and not (host and port.isdecimal() and int(port) < 65536):
            raise ValueError(f"{listen!r} is no HOST:PORT such as 127.0.0.1:9464")
        return listen

    @model_validator(mode="after")
    def _check_security(self) -> "Settings":
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or neither")
        if not (self.is_local or self.tls_cert or self.insecure):
            raise ValueError(
                f"listen={self.listen} is reachable from other machines: give tls_cert and tls_key, or say --insecure"
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the address."""
        if self.listen.startswith("unix:"):
            return True
        host = self.listen.rpartition(":")[0].strip("[]")
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

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
