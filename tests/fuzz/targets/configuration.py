"""What people write: it is taken, or all that is wrong is told with a place and a remedy."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import yaml

from monitor.adapters.inventory.credentials import CredentialsUnavailable, FileCredentials
from monitor.config import ConfigError, effective, parse
from monitor.config.environment import PREFIX
from monitor.config.web_file import parse_web
from monitor.core.names import MAX_NAME, DomainName, InvalidName
from tests.fuzz.scratch import folder
from tests.fuzz.target import Target

CANARY = "CANARY-0123456789"
HERE = Path(__file__).parents[2] / "config"
HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

# Where a text can be nothing but a secret, written down where only a reference may stand.
_SECRET = frozenset({"access_key_id", "access_key_secret", "security_token", "token"})
_SECRET_TABLES = frozenset({"basic_auth_users"})
_REFERENCES = frozenset({"env", "file"})

# These say which key stands twice; a secret is no key.
_ABOUT_KEYS = ("Cannot declare", "Cannot mutate", "Cannot overwrite", "Duplicate inline table")


def judge_toml(data: bytes) -> None:
    """A text, and overrides behind a NUL, are settings or faults, and repeat no secret."""
    written, _, overrides = data.partition(b"\0")
    text = written.decode("utf-8", "replace")
    environ = _environ(overrides)
    try:
        settings = parse(text, environ)
    except ConfigError as error:
        assert_told(error)
        is_of_keys = any(part in str(error) for part in _ABOUT_KEYS)
        if not environ and not is_of_keys and _has_but_secrets(text, _toml(text)):
            assert CANARY not in f"{error}{error!r}"
    else:
        shown = json.dumps(effective(settings), ensure_ascii=False)
        shown.encode()  # as `config show` prints it
        if not environ and _has_but_secrets(text, _toml(text)):
            assert CANARY not in f"{shown}{settings!r}{settings.model_dump()!r}"


def judge_web(data: bytes) -> None:
    """So is a web configuration file."""
    text = data.decode("utf-8", "replace")
    try:
        web = parse_web(text, "web.yml")
    except ConfigError as error:
        assert_told(error)
        if _has_but_secrets(text, _yaml(text)):
            assert CANARY not in f"{error}{error!r}"
    else:
        assert HASH not in f"{web!r}{web.model_dump_json()}"


def assert_told(error: ConfigError) -> None:
    """Every fault has a place and a remedy, in words of ours that act on no terminal."""
    assert error.faults
    for fault in error.faults:
        assert fault.message
        assert fault.hint
        assert fault.source
        assert fault.hint != "compare it with config.example.toml", fault  # nobody foresaw it
        assert all(letter.isprintable() for letter in str(fault).replace("\n  hint: ", "")), fault


def judge_credentials(data: bytes) -> None:
    """A file gives keys, or one short line that holds nothing of it."""
    _FILE.write_bytes(data)
    for profile in ("default", "DEFAULT", CANARY):
        try:
            found = FileCredentials(_FILE, profile).get_credentials()
        except CredentialsUnavailable as error:
            assert CANARY not in str(error)
            assert str(error).isprintable()
            assert error.__cause__ is None
            assert error.__suppress_context__ or error.__context__ is None
        else:
            assert found.get_access_key_id().strip() == found.access_key_id != ""
            assert found.get_access_key_secret().strip() == found.access_key_secret != ""
            assert CANARY not in repr(found)


def judge_name(data: bytes) -> None:
    """A text is a name in its one form, or is told to be none."""
    text = data.decode("utf-8", "surrogateescape")
    try:
        name = DomainName.parse(text)
    except InvalidName as error:
        assert str(error).isprintable()
        return
    assert DomainName.parse(name.text) == name
    assert name.text.isascii()
    assert name.text.isprintable()
    assert name.text == name.text.lower()
    assert 0 < len(name.text) <= MAX_NAME
    name.display.encode()


def _environ(lines: bytes) -> Mapping[str, str]:
    text = lines.decode("utf-8", "surrogateescape").replace("\0", "")
    pairs = (line.partition("=") for line in text.split("\n") if "=" in line[1:])
    return {PREFIX + name: value for name, _, value in pairs}


def _has_but_secrets(text: str, tables: object) -> bool:
    """Tell whether the canary stands where a secret would, and nowhere else."""
    found = text.count(CANARY)
    return found > 0 and _secrets_in(tables) == found


def _secrets_in(tables: object) -> int:
    """Return how often the canary is in texts in the place of a secret."""
    left: list[tuple[tuple[str, ...], object]] = [((), tables)]
    found, seen = 0, set[int]()
    while left:  # no calls: what was written may be nested without end
        path, value = left.pop()
        if isinstance(value, dict | list) and id(value) in seen:
            continue  # an alias of YAML may stand in what it stands for
        seen.add(id(value))
        match value:
            case dict():
                left += [((*path[-3:], str(key)), inner) for key, inner in value.items()]
            case list():
                left += [(path, inner) for inner in value]
            case str() if (path and path[-1] in _SECRET) or _SECRET_TABLES & {*path[:-1]}:
                found += value.count(CANARY)
            case str() if path[-2:] == ("channels", "url"):
                found += value.partition("://")[2].count(CANARY)
    return found


def _toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return _quoted(text)


def _yaml(text: str) -> object:
    try:
        yaml.compose(text, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return {"token": text}  # whatever it is, nothing of it need be repeated
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None  # what we read all the same are names, which may be shown


def _quoted(text: str) -> object:
    """Return what stands in quotes in a text that is no TOML, as if each were a secret."""
    return {"token": [part for part in text.split('"')[1::2] if "\n" not in part]}


_FILE = folder() / "credentials"


def _deeper(data: bytes, random: Random) -> bytes:
    """Nest the text, or make one of its numbers long: no grammar says where that has an end."""
    at, many = random.randrange(len(data) + 1), random.choice((3, 60, 800, 1500))
    begin, end = random.choice(
        ((b"[", b"]"), (b"{a=", b"}"), (b"a.", b""), (b"0x9", b""), (b"9", b""))
    )
    return data[:at] + begin * many + end * many + data[at:]


def _files() -> Iterator[bytes]:
    for file in sorted(HERE.glob("*/*.toml")):
        yield file.read_bytes()
    yield (
        f'[[accounts]]\nname = "a"\ncredentials = {{ kind = "static", access_key_id = "{CANARY}", '
        'access_key_secret = { env = "X" } }\n'
    ).encode()
    yield f'[[alerting.channels]]\nname = "a"\nurl = "dingtalk://{CANARY}/"\n'.encode()
    yield f'[[alerting.channels]]\nname = "a"\nurl = ["dingtalk://{CANARY}/"]\n'.encode()
    yield f'[web]\nbasic_auth_users = {{ a = "{CANARY}" }}\n'.encode()
    yield f'[[web.tokens]]\nname = "a"\ntoken = "{CANARY}"\n'.encode()
    yield b"[daemon]\n\0DAEMON__LISTEN=127.0.0.1:1\nDAEMON__LOG_LEVEL=debug\nX=1\n"
    yield b"a." * 1200 + b"b = 1\n"
    yield b"[schedule]\ntimeout = 0x" + b"f" * 3700 + b"\nattempts = 0x" + b"f" * 300


def _web_files() -> Iterator[bytes]:
    yield (
        "tls_server_config:\n  cert_file: a.pem\n  key_file: b.pem\n  min_version: TLS13\n"
        f"http_server_config: {{http2: true, headers: {{X-Frame-Options: deny}}}}\n"
        f"basic_auth_users: {{alice: {HASH}}}\n"
    ).encode()
    yield b"tokens: [{name: deploy, token: {file: deploy.token}, scopes: [read]}]\nhosts: [a.b]\n"
    yield f"basic_auth_users: {{alice: {CANARY}}}\n".encode()
    yield f"basic_auth_users: {{alice: *{CANARY}}}\n".encode()
    yield f"basic_auth_users: {{alice: !{CANARY} x}}\n".encode()
    yield b"a: !!bool x\nb: !!int ''\nc: !!timestamp x\nd: !!float x\ne: !!binary x\n"
    yield b"a: &a [*a, *a]\n"
    yield b"? [a]\n: b\n<<: {a: b}\n"


def _credentials() -> Iterator[bytes]:
    yield f'{{"AccessKeyId": "LTAI", "AccessKeySecret": "{CANARY}", "SecurityToken": ""}}'.encode()
    yield f"[default]\naccess_key_id = LTAI\naccess_key_secret = {CANARY}\n".encode()
    yield f"[{CANARY}]\n[{CANARY}]\n{CANARY}\n = x\n".encode()
    yield b'{"a":' * 900
    yield b'{"AccessKeyId": 1' + b"0" * 4000 + b"}"


def _names() -> Iterator[bytes]:
    for name in (
        "img.shop.example",
        "*.shop.example.",
        "图.商店.example",
        "xn--fsqu00a.例子",
        "a。b",
    ):
        yield name.encode()
    yield b"a" * 63 + b"." + b"b" * 63 + b"." + b"c" * 63 + b"." + b"d" * 61
    yield "\u200d.a.\u0644\u0627.1\u0660".encode()


_TOML_WORDS = (
    *(f"[{name}]\n".encode() for name in ("daemon", "web", "schedule", "targets", "alerting")),
    *(f"[[{name}]]\n".encode() for name in ("accounts", "resolvers", "bindings", "maintenance")),
    *(f"{key} = ".encode() for key in ("name", "address", "url", "domain", "token", "timeout")),
    *(b'{ env = "X" }', b'{ file = "x" }', b'"""', b"true", b"1e400", b"nan", b"0x", b'"5m"'),
    *(b"2020-01-01T00:00:00Z", b"1979-05-27", b"\\u001b", CANARY.encode(), b"\0", b"__"),
)
_YAML_WORDS = (
    b"!!",
    b"!!int",
    b"!!bool",
    b"&a",
    b"*a",
    b"? ",
    b": ",
    b"- ",
    b"|\n",
    b"<<",
    b"%YAML",
)

TARGETS = (
    Target("config_toml", judge_toml, _files, _TOML_WORDS, _deeper, 8192),
    Target("config_web", judge_web, _web_files, (*_YAML_WORDS, CANARY.encode()), None, 2048),
    Target(
        "credentials_file",
        judge_credentials,
        _credentials,
        (CANARY.encode(), b'{"', b"[a]\n"),
        _deeper,
    ),
    Target("domain_name", judge_name, _names, (b"xn--", b"\xe3\x80\x82", b"*."), None, 512),
)
