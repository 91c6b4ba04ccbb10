"""The configuration for people and tools: what is in force, and what may be written."""

from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from monitor.config.durations import duration_text
from monitor.config.globs import Glob
from monitor.config.settings import Settings
from monitor.config.sockets import SocketAddress
from monitor.core.names import DomainName


def effective(settings: Settings) -> dict[str, Any]:
    """Return every key with its value in force; of secrets only where they are."""
    return settings.model_dump(mode="json", by_alias=True)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the file, for editors."""
    schema = Settings.model_json_schema(schema_generator=_AsWritten)
    return {"$schema": _AsWritten.schema_dialect, **schema}


def example() -> str:
    """Return a file to begin with: every key, with its default and its meaning."""
    packaged = resources.files("monitor.config") / "example.toml"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    # In a checkout it stands where people look for it; the wheel takes it from there.
    return (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")


class _AsWritten(GenerateJsonSchema):
    """Shows defaults as the file would say them."""

    def encode_default(self, dft: Any) -> Any:
        return super().encode_default(_written(dft))


def _written(value: object) -> object:
    match value:
        case timedelta():
            return duration_text(value)
        case tuple():
            return [_written(item) for item in value]
        case SocketAddress() | Glob() | DomainName():
            return str(value)
        case _:
            return value
