"""Write the dashboards: `make dashboards`."""

import sys

from tools.dashboards.shipped import FOLDER, files

for name, text in files().items():
    (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"dashboards/{name} written\n")
