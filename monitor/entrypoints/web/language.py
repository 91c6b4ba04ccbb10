"""In which language a reader gets the pages."""

from starlette.requests import Request

from monitor.wording import Language

COOKIE = "lang"


def chosen_now(request: Request) -> Language | None:
    """Return the language that this request switches to."""
    tag = request.query_params.get("lang")
    return Language.of(tag) if tag else None


def language_of(request: Request, preset: Language | None) -> Language:
    """Return the language: chosen now, chosen before, preset, or the one the browser prefers."""
    if chosen := chosen_now(request):
        return chosen
    if kept := request.cookies.get(COOKIE):
        return Language.of(kept)
    return preset or _preferred(request.headers.get("accept-language", ""))


def _preferred(accept_language: str) -> Language:
    """Return what RFC 9110 §12.5.4 ranks first of the tags in our languages."""
    ranked: list[tuple[float, str]] = []
    for offer in accept_language.replace(" ", "").split(","):
        tag, _, quality = offer.partition(";q=")
        is_ours = tag.lower().split("-")[0] in {language.value for language in Language}
        if is_ours and (rank := _quality(quality)) > 0:
            ranked.append((rank, tag))
    best = max(ranked, key=lambda offer: offer[0], default=(0.0, ""))
    return Language.of(best[1])


def _quality(written: str) -> float:
    try:
        return float(written or "1")
    except ValueError:
        return 0.0
