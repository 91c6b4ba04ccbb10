"""Feishu's and Lark's robots of a group (open.feishu.cn, "custom bots")."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.adapters.notifiers.robot import Access, Codes, Posting

FEISHU_FORM = "feishu://TOKEN/ or feishu://TOKEN/?secret=SECRET"
LARK_FORM = "lark://TOKEN/ or lark://TOKEN/?secret=SECRET"


_CODES = Codes(
    "code",
    "msg",
    # Unknown token, bad signature or time.
    credentials=frozenset({19001, 19021}),
    rate=frozenset({9499, 11232}),
)


@dataclass(frozen=True, slots=True)
class Feishu:
    """`feishu://TOKEN/?secret=SECRET`, or the same in its edition for other countries."""

    host: str = "open.feishu.cn"
    limit: int = 18_000  # of 20 KB for the whole request
    codes: Codes = _CODES

    def posting(self, text: str, access: Access, now: datetime) -> Posting:
        document: dict[str, Any] = {"msg_type": "text", "content": {"text": text}}
        if access.secret:
            stamp = str(int(now.timestamp()))
            document |= {"timestamp": stamp, "sign": signature(stamp, access.secret)}
        return Posting(f"https://{self.host}/open-apis/bot/v2/hook/{access.token}", document)


LARK = Feishu("open.larksuite.com")


def signature(stamp: str, secret: str) -> str:
    """Return what proves a request of that time: time and secret as key, and nothing signed."""
    signed = hmac.digest(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(signed).decode()
