"""All targets by their names; a family is loaded when one of its targets is.

What a family imports is watched while it is loaded: so nothing of it may be imported here.
"""

import importlib
from collections.abc import Mapping

from tests.fuzz.target import Target

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "dns": ("dns_message", "dns_recognition", "dns_glance"),
    "configuration": ("config_toml", "config_web", "credentials_file", "domain_name"),
    "web": ("http_request", "http_octets"),
    "services": ("oss_xml", "alidns_json", "robot_json", "daemon_json", "bucket_http"),
    "vantages": ("worker_message",),
    "stores": ("audit_log", "details", "database_file"),
}

NAMES = tuple(name for names in _FAMILIES.values() for name in names)

# Of this module's asynchronous generator atheris 2.3 makes code that fails.
UNWATCHED = ("monitor.adapters.visitor.exchange",)

PLANTED = "planted"  # is no part of this program, and breaks: so the searches are tested

# Libraries written in Python, through which the octets come first: their branches lead on. Not
# tomllib and yaml: of some of their functions atheris 2.3 makes code that fails.
BESIDE: Mapping[str, tuple[str, ...]] = {
    "credentials_file": ("configparser",),
    "domain_name": ("idna",),
    "http_octets": ("h11",),
    "bucket_http": ("h11",),
}


def load(name: str) -> Target:
    """Return the target of that name."""
    families = {**_FAMILIES, PLANTED: (PLANTED,)}
    (family,) = (family for family, names in families.items() if name in names)
    module = importlib.import_module(f"{__name__}.{family}")
    targets: tuple[Target, ...] = module.TARGETS
    (found,) = (target for target in targets if target.name == name)
    return found
