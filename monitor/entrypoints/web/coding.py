"""In which coding a reader takes what is sent (RFC 9110 §12.5.3)."""

import zlib

GZIP_WINDOW = 16 + zlib.MAX_WBITS  # zlib's way to say: with a gzip header


def accepts_gzip(accept_encoding: str) -> bool:
    for offer in accept_encoding.lower().split(","):
        coding, _, quality = offer.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return quality.rstrip("0") not in {"0.", "."} and quality != "0"
    return False
