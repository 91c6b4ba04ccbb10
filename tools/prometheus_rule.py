"""Write the alerts and recording rules in the form of the Prometheus operator: `make dashboards`.

Their text is taken over line by line, so that expressions and comments stay as people read them.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = tuple(ROOT / "dashboards" / name for name in ("recording.yml", "alerts.yml"))
TARGET = ROOT / "packaging" / "kubernetes" / "prometheus-operator" / "prometheus-rule.yaml"

_HEAD = """\
# Made from dashboards/recording.yml and alerts.yml by `make dashboards`.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: oss-cname-monitor
spec:
  groups:
"""


def manifest() -> str:
    """Return the resource with the groups of all files."""
    lines = (line for source in SOURCES for line in _groups(source.read_text(encoding="utf-8")))
    return _HEAD + "".join(f"  {line}\n" if line else "\n" for line in lines)


def _groups(text: str) -> list[str]:
    _, _, groups = text.partition("\ngroups:\n")
    return groups.splitlines()


if __name__ == "__main__":
    TARGET.write_text(manifest(), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name} written\n")
