"""The configuration: one TOML file, overridden by the environment, read once, then a value."""

from monitor.config.faults import ConfigError, Fault
from monitor.config.options import url_of_option
from monitor.config.reading import load, parse
from monitor.config.secret import SecretUnavailable
from monitor.config.settings import Settings
from monitor.config.showing import effective, example, json_schema
from monitor.config.web_file import web_of

__all__ = [
    "ConfigError",
    "Fault",
    "SecretUnavailable",
    "Settings",
    "effective",
    "example",
    "json_schema",
    "load",
    "parse",
    "url_of_option",
    "web_of",
]
