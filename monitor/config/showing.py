"""The configuration for people and tools: what is in force, and what may be written."""

from datetime import timedelta
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
