"""`[daemon]`: where the daemon listens and keeps its records, and how it speaks."""

from enum import Enum
from typing import Annotated, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.config.fields import FilePath, WebUrl, parse_text
from monitor.config.secret import Secret
from monitor.config.section import Section
from monitor.config.sockets import Listener, SocketAddress

_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql://"


class LogFormat(Enum):
    AUTO = "auto"  # console on a terminal, JSON elsewhere
    JSON = "json"
    CONSOLE = "console"


class LogLevel(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Lang(Enum):
    AUTO = "auto"  # what the browser or the terminal asks for
    ENGLISH = "en"
    CHINESE = "zh"


def parse_database(written: object) -> str:
    """Return the database's URL; one that holds a password is refused."""
    text = parse_text(written)
    if text.startswith(_SQLITE):
        return _sqlite(text)
    if text.startswith(_POSTGRESQL):
        return _postgresql(text)
    scheme = text.partition(":")[0] if "://" in text else ""
    raise refused(
        f"is no database that is known here{f' (got {quoted(scheme)})' if scheme else ''}",
        f'write "{_SQLITE}oss-cname-monitor.db" or "{_POSTGRESQL}user@host/name"',
    )


def _sqlite(text: str) -> str:
    path = text.removeprefix(_SQLITE)
    if not path or path.startswith(":memory:") or path.endswith("/"):
        raise refused(
            f"must name a file (got {quoted(text)})",
            f'what is known must outlive a restart: write "{_SQLITE}oss-cname-monitor.db"',
        )
    return text


def _postgresql(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:  # it quotes what stands before the host
        raise refused("is no URL", f'write "{_POSTGRESQL}user@host/name"') from None
    # A password with a slash in it ends what a URL takes for the host.
    is_odd = "@" in f"{parts.path}{parts.query}{parts.fragment}"
    if is_odd or ":" in parts.netloc.rpartition("@")[0] or _holds_password(parts.query):
        raise refused(
            "must not hold a password",
            "leave it out here, and say in daemon.database_password where it is",
        )
    return text


def _holds_password(query: str) -> bool:
    return any("password" in key.lower() for key, _ in parse_qsl(query, keep_blank_values=True))


Database: TypeAlias = Annotated[
    str,
    PlainValidator(parse_database),
    WithJsonSchema({"type": "string", "pattern": "^(sqlite:///|postgresql://)."}),
]


class Daemon(Section):
    """The process itself."""

    listen: Listener = SocketAddress("127.0.0.1", 9953)
    database: Database = "sqlite:///oss-cname-monitor.db"
    database_password: Secret | None = None
    log_format: Annotated[LogFormat, Field(strict=False)] = LogFormat.AUTO
    log_level: Annotated[LogLevel, Field(strict=False)] = LogLevel.INFO
    lang: Annotated[Lang, Field(strict=False)] = Lang.AUTO
    web_config: FilePath | None = None
    external_url: WebUrl | None = None
    max_exported_pairs: int = Field(default=50_000, ge=0)
    max_event_clients: int = Field(default=100, ge=0)
