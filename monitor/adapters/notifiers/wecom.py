"""WeCom's robots of a group (developer.work.weixin.qq.com, "group robots")."""

from datetime import datetime
from urllib.parse import urlencode

from monitor.adapters.notifiers.robot import Access, Codes, Posting

FORM = "wecombot://KEY/"


class WeCom:
    """`wecombot://KEY/`; a key is all that there is, nothing is signed."""

    limit = 2048
    codes = Codes(
        "errcode", "errmsg", credentials=frozenset({93000, 93008}), rate=frozenset({45009})
    )

    def posting(self, text: str, access: Access, now: datetime) -> Posting:
        del now  # nothing is signed
        return Posting(
            f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?{urlencode({'key': access.token})}",
            {"msgtype": "text", "text": {"content": text}},
        )
