"""`daemon.web_config`: the keys of `[web]` in a file of their own, as exporters have it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from monitor.config.complaints import complaints_of
from monitor.config.contradictions import contradictions
from monitor.config.faults import Complaint, ConfigError, Fault, KeyPath, path_text
from monitor.config.locate import Map, Position
from monitor.config.secret import Reference, SecretInFile
from monitor.config.section import Section
from monitor.config.settings import Settings
from monitor.config.web import TlsServer, Web

_QUOTED = re.compile(r"'[^']{3,}'|\"[^\"]{3,}\"")
_ROOT = "web"  # what the keys of the file stand under


def web_of(settings: Settings) -> Web:
    """Return `[web]`, with the keys of the web configuration file in it.

    Raises ConfigError with all that is wrong with the file, and with keys that both have.
    """
    path, given = settings.daemon.web_config, settings.web
    if path is None:
        return given
    read = load_web(path)
    if twice := sorted(read.model_fields_set & given.model_fields_set):
        message, hint = f"is in {path} too", "keep one of the two"
        raise ConfigError(tuple(Fault(f"{_ROOT}.{key}", message, hint) for key in twice))
    return given.model_copy(update={key: getattr(read, key) for key in read.model_fields_set})


def load_web(path: Path) -> Web:
    """Return what a web configuration file says; raises ConfigError with every fault.

    Its relative paths begin at its own folder, as exporter-toolkit has them.
    """
    source = str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message, hint = f"cannot be read: {error.strerror}", "see daemon.web_config"
        raise _whole(source, message, hint) from error
    except UnicodeDecodeError as error:
        raise _whole(source, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from None
    return _rebased(parse_web(text, source), path.parent)


def parse_web(text: str, source: str) -> Web:
    """Return what the text of a web configuration file says; raises ConfigError."""
    read = _Reading(source)
    tables = {_ROOT: read.tables(text)}
    found = [*read.twice, *contradictions(tables)]
    web: Web | None = None
    try:
        web = _File.model_validate(tables).web
    except ValidationError as error:
        found += complaints_of(error, tables)
    if web is not None and not found:
        return web
    raise ConfigError(tuple(sorted(map(read.fault, found), key=lambda f: (f.line or 0, f.path))))


class _File(Section):
    web: Web


@dataclass(slots=True)
class _Reading:
    """Turns YAML into tables as TOML gives them, and notes where each key stands."""

    source: str
    places: Map = field(default_factory=Map)
    twice: list[Complaint] = field(default_factory=list)

    def tables(self, text: str) -> object:
        try:
            return self._read(yaml.SafeLoader(text))
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from None
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):
            # Not quoted: it may hold what stands in the file.
            raise _whole(self.source, "is no YAML", "mend it: promtool can say more") from None

    def _read(self, loader: yaml.SafeLoader) -> object:
        try:
            node = loader.get_single_node()
            return {} if node is None else self._value(loader, node, (_ROOT,), set())
        finally:
            loader.dispose()

    def fault(self, complaint: Complaint) -> Fault:
        path, known = complaint.path, self.places
        at = known.key(path) if complaint.is_about_key else known.value(path)
        line, column = (at.line, at.column) if at else (None, None)
        told = path_text(path[1:])
        return Fault(told, complaint.message, complaint.hint, line, column, self.source)

    def _syntax(self, error: yaml.MarkedYAMLError) -> ConfigError:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        # Of what stands in the file only single characters are repeated.
        told = _QUOTED.sub("a text", str(error.problem or error.context))
        message = f"is no YAML: {told}"
        hint = "mend the YAML here; a hash needs quotes"
        return ConfigError((Fault("", message, hint, line, column, self.source),))

    def _value(
        self, loader: yaml.SafeLoader, node: yaml.Node, path: KeyPath, seen: set[int]
    ) -> object:
        if id(node) in seen:
            message = "uses an alias (*), which is not read here"
            raise ConfigError((self.fault(Complaint(path, message, "write it out")),))
        seen.add(id(node))
        self.places.values[path] = _at(node)
        match node:
            case yaml.MappingNode():
                return {
                    key: self._value(loader, inner, (*path, key), seen)
                    for key, inner in self._pairs(node, path)
                }
            case yaml.SequenceNode():
                return tuple(
                    self._value(loader, inner, (*path, index), seen)
                    for index, inner in enumerate(node.value)
                )
            case _:
                return loader.construct_object(node)

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
        for key, value in node.value:
            # A name is a text, also where YAML would read a number or a truth.
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            at = (*path, name)
            if at in self.places.keys:
                told = ("stands here twice", "keep one of the two")
                self.twice.append(Complaint(at, *told, is_about_key=True))
            self.places.keys[at] = _at(key)
            yield name, value


def _at(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)


def _whole(source: str, message: str, hint: str) -> ConfigError:
    return ConfigError((Fault("", message, hint, source=source),))


def _rebased(web: Web, folder: Path) -> Web:
    tokens = tuple(
        token.model_copy(update={"token": _beside(token.token, folder)}) for token in web.tokens
    )
    tls = web.tls_server_config
    changed = {"tokens": tokens, "tls_server_config": _tls_beside(tls, folder) if tls else None}
    given = {key: value for key, value in changed.items() if key in web.model_fields_set}
    return web.model_copy(update=given)


def _tls_beside(tls: TlsServer, folder: Path) -> TlsServer:
    files = {key: getattr(tls, key) for key in ("cert_file", "key_file", "client_ca_file")}
    return tls.model_copy(update={key: folder / file for key, file in files.items() if file})


def _beside(secret: Reference, folder: Path) -> Reference:
    return SecretInFile(folder / secret.path) if isinstance(secret, SecretInFile) else secret
