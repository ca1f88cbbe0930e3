"""Writes the dashboards: `python3 grafana/source/build.py`. With `--check` it says whether the
files are what it would write."""

import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

import health  # noqa: E402
import lists  # noqa: E402
import overview  # noqa: E402
import target  # noqa: E402

FILES = {
    "smtp-overview.json": overview.made,
    "smtp-target.json": target.made,
    "smtp-lists-and-posture.json": lists.made,
    "smtp-exporter-health.json": health.made,
}


def main():
    folder = Path(__file__).resolve().parent.parent
    stale = []
    for name, make in FILES.items():
        text = json.dumps(make(), indent=2, ensure_ascii=False) + "\n"
        path = folder / name
        if "--check" in sys.argv:
            if not path.is_file() or path.read_text() != text:
                stale.append(name)
        else:
            path.write_text(text)
    for name in stale:
        print(f"grafana/{name} is not what grafana/source writes; run grafana/source/build.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
