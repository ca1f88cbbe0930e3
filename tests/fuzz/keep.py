#!/usr/bin/env python3
"""keep.py CONTROL CORPUS: makes CORPUS the few inputs that show most of a merge's features.

CONTROL is what `-merge_control_file` wrote: the files that were run, small ones first, then for each
the features that no file before it showed. Those that showed most per byte are taken, within the
bounds that tests/it/fuzz.rs holds the corpora to. Inputs whose name tells what they are
stay whatever they show; those named after their digest come and go.
"""

import hashlib
import re
import sys
from pathlib import Path

FILES = 45
BYTES = 48 << 10
# One long input may not take the room of many.
LONGEST = 8 << 10


def main() -> None:
    control, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    lines = control.read_text(errors="surrogateescape").splitlines()
    number = int(lines[0])
    paths = [Path(line) for line in lines[2 : 2 + number]]
    shows: dict[int, set[int]] = {}
    for line in lines[2 + number :]:
        words = line.split()
        if words[0] == "FT":
            shows.setdefault(int(words[1]), set()).update(map(int, words[2:]))

    named = [path for path in corpus.iterdir() if not re.fullmatch("[0-9a-f]{16}", path.name)]
    kept = {path.name: path.read_bytes() for path in named}
    known: set[int] = set()
    for at, path in enumerate(paths):
        if path.parent.resolve() == corpus.resolve() and path.name in kept:
            known |= shows.get(at, set())
    left = {at: path.read_bytes() for at, path in enumerate(paths) if path.is_file()}
    left = {at: data for at, data in left.items() if len(data) <= LONGEST}
    room = BYTES - sum(map(len, kept.values()))
    while len(kept) < FILES:
        worth = {
            at: len(shows.get(at, set()) - known) / (len(data) + 64)
            for at, data in left.items()
            if len(data) <= room
        }
        best = max(worth, key=lambda at: worth[at], default=None)
        if best is None or worth[best] == 0:
            break
        data = left.pop(best)
        known |= shows[best]
        room -= len(data)
        kept[hashlib.sha256(data).hexdigest()[:16]] = data

    for path in corpus.iterdir():
        path.unlink()
    for name, data in kept.items():
        (corpus / name).write_bytes(data)
    everything = set().union(*shows.values()) if shows else set()
    print(f"{corpus}: {len(kept)} files show {len(known)} of {len(everything)} features")


main()
