"""`config.example.toml` is documentation and a working start, and both are true."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.config import Settings, effective, parse
from monitor.config.accounts import AccountSettings
from monitor.config.alerting import Channel
from monitor.config.shape import keys_at, sections_at

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
WHOLE = re.sub(r"^#: ", "", TEXT, flags=re.MULTILINE)


def table_paths(path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for key in keys_at(path):
        if sections_at((*path, key)):
            yield from table_paths((*path, key))


def written_keys(value: object, path: tuple[str, ...]) -> set[str]:
    """Return the keys of all tables that stand at a path, through lists."""
    if isinstance(value, list):
        return {key for item in value for key in written_keys(item, path)}
    if not isinstance(value, Mapping):
        return set()
    return written_keys(value.get(path[0]), path[1:]) if path else set(value)


def test_the_example_loads_as_it_stands() -> None:
    assert isinstance(parse(TEXT, {}), Settings)


def test_the_example_says_exactly_the_defaults() -> None:
    assert effective(parse(TEXT, {})) == effective(Settings())


def test_the_example_loads_with_every_example_in_it_uncommented() -> None:
    settings = parse(WHOLE, {})

    assert len(settings.bindings) == 2
    assert len(settings.accounts) == 4
    assert len(settings.maintenance) == 2
    assert settings.distributed is not None


@pytest.mark.parametrize("path", list(table_paths()), ids=".".join)
def test_every_key_is_in_the_example(path: tuple[str, ...]) -> None:
    assert written_keys(tomllib.loads(WHOLE), path) == set(keys_at(path))


def test_a_commented_account_shows_the_defaults() -> None:
    shown = parse(WHOLE, {}).accounts[0]

    given = {"name": shown.name, "endpoint": shown.endpoint}
    assert shown == AccountSettings.model_validate(given)


def test_a_commented_channel_shows_the_defaults() -> None:
    shown = parse(WHOLE, {}).alerting.channels[0]

    assert shown == Channel.model_validate({"name": shown.name, "url": shown.url})


def test_each_key_has_a_line_of_meaning_above_it() -> None:
    lines = TEXT.splitlines()
    explained: set[str] = set()
    for above, line in pairwise(lines):
        if above.startswith("# "):
            explained |= set(re.findall(r"([a-z0-9_]+) = ", line))

    keys = {key for path in table_paths() for key in keys_at(path)}
    tables = {path[-1] for path in table_paths() if path}
    assert keys - tables - explained == set()
