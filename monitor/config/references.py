"""Which secrets the settings refer to, and which of them are not where they should be."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from pydantic import BaseModel

from monitor.config.faults import KeyPath, path_text
from monitor.config.secret import SecretInEnvironment, SecretInFile, SecretUnavailable


def missing_secrets(settings: BaseModel, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return for each secret that cannot be had from here its key, and why."""
    return tuple(_missing((), settings, environ))


def _missing(path: KeyPath, value: object, environ: Mapping[str, str]) -> Iterator[str]:
    match value:
        case SecretInEnvironment() | SecretInFile():
            try:
                value.reveal(environ)
            except SecretUnavailable as error:
                yield f"{path_text(path)}: {error}"
        case BaseModel():
            parts = ((name, getattr(value, name)) for name in type(value).model_fields)
            yield from _of_all(path, parts, environ)
        case Mapping():
            yield from _of_all(path, value.items(), environ)
        case tuple():
            yield from _of_all(path, enumerate(value), environ)
        case _:  # a plain value
            return


def _of_all(
    path: KeyPath, parts: Iterable[tuple[str | int, object]], environ: Mapping[str, str]
) -> Iterator[str]:
    yield from chain.from_iterable(_missing((*path, key), part, environ) for key, part in parts)
