import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from monitor.adapters.clock import SystemClock
from monitor.adapters.inventory.credentials import (
    Credentials,
    CredentialsProvider,
    CredentialsUnavailable,
    EnvironmentCredentials,
    FileCredentials,
    StaticCredentials,
)
from monitor.adapters.inventory.oss import OssInventory
from monitor.adapters.inventory.role import MOST_OCTETS, EcsRoleCredentials
from monitor.core.inventory import FailureReason, Listing
from monitor.core.inventory import Scope as FailureScope
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import OssState
from monitor.demo.serving import served
from monitor.demo.signature import AccessKey
from tests.adapters.inventory.oss_world import (
    ENVIRONMENT,
    KEY,
    Pauses,
    account_at,
    keys,
    photos,
    world,
)

CANARIES = (KEY.id, KEY.secret, KEY.token)
HELD = Credentials(KEY.id, KEY.secret, KEY.token)
RENEWED = AccessKey("renewed-id", "renewed-secret", "renewed-token")
OTHER_FAMILY = {
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "cloud-id",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "cloud-secret",
    "ALIBABA_CLOUD_SECURITY_TOKEN": "cloud-token",
}


def as_json(key: AccessKey, **more: str) -> dict[str, str]:
    names = {"AccessKeyId": key.id, "AccessKeySecret": key.secret, "SecurityToken": key.token}
    return {**names, **more}


def write(path: Path, text: str, *, second: int) -> None:
    """Write a file as if in another second than before."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (second, second))


async def look(state: OssState, credentials: CredentialsProvider) -> Listing:
    async with OssEndpoint(state) as endpoint:
        account = account_at(endpoint.url)
        return await OssInventory(account, credentials, sleep=Pauses()).look()


def test_the_environment_is_read_at_each_call() -> None:
    environment = dict(ENVIRONMENT)
    credentials = EnvironmentCredentials(environment)
    assert credentials.get_credentials() == HELD
    environment["OSS_SESSION_TOKEN"] = "renewed-token"
    assert credentials.get_credentials().security_token == "renewed-token"


def test_the_variables_of_other_tools_are_taken_where_those_of_oss_are_incomplete() -> None:
    other = Credentials("cloud-id", "cloud-secret", "cloud-token")
    incomplete = {**OTHER_FAMILY, "OSS_ACCESS_KEY_ID": KEY.id}
    assert EnvironmentCredentials(OTHER_FAMILY).get_credentials() == other
    assert EnvironmentCredentials(incomplete).get_credentials() == other
    assert EnvironmentCredentials({**OTHER_FAMILY, **ENVIRONMENT}).get_credentials() == HELD


@pytest.mark.parametrize("environment", [{}, {"OSS_ACCESS_KEY_ID": KEY.id}])
async def test_missing_variables_are_named_in_the_failure(environment: Mapping[str, str]) -> None:
    state = world(photos("img.example.com"))
    (failure,) = (await look(state, EnvironmentCredentials(environment))).failures
    assert (failure.reason, failure.scope) == (FailureReason.CREDENTIALS, FailureScope.ACCOUNT)
    assert "OSS_ACCESS_KEY_ID" in failure.detail
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in failure.detail
    assert not state.calls


def test_a_json_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(as_json(KEY, Expiration="2026-01-01T00:00:00Z")))
    assert FileCredentials(file).get_credentials() == HELD


def test_the_ini_file_of_other_tools_is_read_by_profile(tmp_path: Path) -> None:
    file = tmp_path / "credentials.ini"
    file.write_text(
        "[default]\ntype = access_key\naccess_key_id = a\naccess_key_secret = 100%\n"
        f"[ci]\naccess_key_id = {KEY.id}\naccess_key_secret = {KEY.secret}\n"
        f"security_token = {KEY.token}\n"
    )
    assert FileCredentials(file).get_credentials() == Credentials("a", "100%")
    assert FileCredentials(file, "ci").get_credentials() == HELD


async def test_a_renewed_file_is_taken_at_the_next_look(tmp_path: Path) -> None:
    file, state = tmp_path / "keys.json", world(photos("img.example.com"))
    write(file, json.dumps(as_json(KEY)), second=1)
    credentials = FileCredentials(file)
    assert (await look(state, credentials)).reached_account
    state.accounts[0].keys = [RENEWED]
    assert not (await look(state, credentials)).reached_account
    write(file, json.dumps(as_json(RENEWED)), second=2)
    assert (await look(state, credentials)).reached_account


def test_an_unchanged_file_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    write(file, json.dumps(as_json(KEY)), second=1)
    credentials = FileCredentials(file)
    credentials.get_credentials()
    write(file, json.dumps(as_json(replace(KEY, id=KEY.id[::-1]))), second=1)
    assert credentials.get_credentials() == HELD


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("canary-key-secret", "neither JSON"),
        ('{"AccessKeySecret": "canary-key-secret"', "neither JSON"),
        ("[other]\naccess_key_secret = canary-key-secret", "neither JSON"),
        ("[default]\naccess_key_secret = canary-key-secret", "lacks an access key id"),
        ('{"AccessKeySecret": "canary-key-secret"}', "lacks an access key id"),
        ('{"AccessKeyId": "", "AccessKeySecret": "canary-key-secret"}', "lacks an access key id"),
    ],
)
async def test_an_unreadable_file_is_named_and_not_quoted(
    tmp_path: Path, text: str, part: str
) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    (failure,) = (await look(world(), FileCredentials(file))).failures
    assert (failure.reason, failure.scope) == (FailureReason.CREDENTIALS, FailureScope.ACCOUNT)
    assert part in failure.detail
    assert str(file) in failure.detail
    assert "canary" not in failure.detail.replace(str(file), "")


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnavailable, match="No such file"):
        FileCredentials(tmp_path / "absent").get_credentials()


def test_static_secrets_lose_the_line_break_that_files_end_with() -> None:
    static = StaticCredentials(lambda: f"{KEY.id}\n", lambda: f" {KEY.secret}\n")
    assert static.get_credentials() == Credentials(KEY.id, KEY.secret)


def test_empty_static_secrets_are_missing_credentials() -> None:
    with pytest.raises(CredentialsUnavailable, match="configuration lacks"):
        StaticCredentials(lambda: KEY.id, lambda: " ").get_credentials()


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(as_json(KEY)))
    from_file = FileCredentials(file)
    from_file.get_credentials()
    shown = repr([HELD, EnvironmentCredentials(ENVIRONMENT), keys(), from_file, KEY])
    assert not [canary for canary in CANARIES[1:] if canary in shown]
    assert KEY.id not in repr([HELD, EnvironmentCredentials(ENVIRONMENT), keys(), from_file])


@dataclass
class Metadata:
    """A metadata server of the cloud, which gives out the role's keys one after another."""

    documents: Sequence[Mapping[str, object]]
    asked: int = field(default=0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = self.documents[min(self.asked, len(self.documents) - 1)]
        self.asked += 1
        await JSONResponse(document)(scope, receive, send)

    @asynccontextmanager
    async def role(self) -> AsyncIterator[EcsRoleCredentials]:
        async with served(self) as url:
            yield EcsRoleCredentials(f"{url}/role", timeout=5.0, attempts=1)


def role_document(key: AccessKey, *, life: timedelta) -> dict[str, str]:
    now = SystemClock().now()
    times = {"LastUpdated": _zulu(now - timedelta(hours=6)), "Expiration": _zulu(now + life)}
    return as_json(key, Code="Success", **times)


def _zulu(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_role_token_that_soon_expires_is_renewed() -> None:
    state = world(photos("img.example.com"))
    expiring = role_document(KEY, life=timedelta(minutes=1))
    lasting = role_document(RENEWED, life=timedelta(hours=6))
    metadata = Metadata([expiring, lasting])
    state.accounts[0].keys = [KEY, RENEWED]
    async with metadata.role() as credentials:
        for _ in range(3):
            assert (await look(state, credentials)).reached_account
    assert [call.key_id for call in state.calls] == [KEY.id] + [RENEWED.id] * 5
    assert metadata.asked == 2


async def test_a_machine_without_a_role_is_told_apart() -> None:
    refused = Metadata([{"Code": "Failed", "Message": "canary"}])
    async with refused.role() as credentials:
        (failure,) = (await look(world(), credentials)).failures
        assert repr(credentials).startswith("EcsRoleCredentials('http://127.0.0.1:")
    assert (failure.reason, failure.scope) == (FailureReason.CREDENTIALS, FailureScope.ACCOUNT)
    assert "is a role attached" in failure.detail
    assert "canary" not in failure.detail


async def test_a_role_without_keys_is_no_role() -> None:
    empty = role_document(AccessKey("", ""), life=timedelta(hours=6))
    async with Metadata([empty]).role() as credentials:
        (failure,) = (await look(world(), credentials)).failures
    assert "lacks an access key id" in failure.detail


@pytest.mark.parametrize("key", ["AccessKeyId", "AccessKeySecret", "SecurityToken"])
@pytest.mark.parametrize("value", [None, 1, ["x"], {}])
async def test_keys_of_a_role_that_are_no_text_are_none(key: str, value: object) -> None:
    document = {**role_document(KEY, life=timedelta(hours=6)), key: value}
    async with Metadata([document]).role() as credentials:
        listing = await look(world(), credentials)
    assert [failure.reason for failure in listing.failures] == [FailureReason.CREDENTIALS]


async def test_a_reply_without_end_is_no_reply_of_a_metadata_server() -> None:
    async def blanks() -> AsyncIterator[bytes]:
        while True:  # until whoever asked goes away
            yield b" " * 8192
            await asyncio.sleep(0)  # who has gone away takes everything at once

    async with served(StreamingResponse(blanks())) as url:
        listing = await look(world(), EcsRoleCredentials(f"{url}/role", timeout=5.0))
    (failure,) = listing.failures
    assert failure.reason is FailureReason.CREDENTIALS
    assert f"its reply has more than {MOST_OCTETS} octets" in failure.detail


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"[" * 60_000, b'"canary"', b'{"Code": "Success", "Expiration": 1}']
)
async def test_what_no_metadata_server_says_is_no_role(body: bytes) -> None:
    async with served(Response(body)) as url:
        listing = await look(world(), EcsRoleCredentials(f"{url}/role", timeout=5.0, attempts=1))
    (failure,) = listing.failures
    assert "is a role attached" in failure.detail
    assert "canary" not in failure.detail


async def test_a_failing_metadata_server_does_not_bring_its_words_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusal = JSONResponse(as_json(KEY), status_code=500)
    async with served(refusal) as url:
        listing = await look(world(), EcsRoleCredentials(f"{url}/role", timeout=5.0, attempts=1))
    (failure,) = listing.failures
    assert failure.reason is FailureReason.CREDENTIALS
    assert not any(canary in f"{failure.detail}{caplog.text}" for canary in CANARIES)
