"""DingTalk's robots of a group (open.dingtalk.com, "custom robots")."""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import urlencode

from monitor.adapters.notifiers.robot import Access, Codes, Posting

FORM = "dingtalk://TOKEN/ or dingtalk://SECRET@TOKEN/"


class DingTalk:
    """`dingtalk://SECRET@TOKEN/PHONE…`: signed where there is a secret, mentioning the phones."""

    limit = 18_000  # of 20,000 for the whole request
    codes = Codes(
        "errcode",
        "errmsg",
        # Unknown token (two generations of it), robot switched off, robot gone.
        credentials=frozenset({300001, 300005, 400101, 400102, 400106}),
        rate=frozenset({130101, 410100}),
    )

    def posting(self, text: str, access: Access, now: datetime) -> Posting:
        query = {"access_token": access.token}
        if access.secret:
            stamp = str(round(now.timestamp() * 1000))
            query |= {"timestamp": stamp, "sign": signature(stamp, access.secret)}
        return Posting(
            f"https://oapi.dingtalk.com/robot/send?{urlencode(query)}",
            {
                "msgtype": "text",
                "text": {"content": text},
                "at": {"atMobiles": list(access.mentions), "isAtAll": False},
            },
        )


def signature(stamp: str, secret: str) -> str:
    """Return what proves a request of that time: the secret signs time and secret."""
    signed = hmac.digest(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(signed).decode()
