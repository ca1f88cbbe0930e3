"""Figures of one run, as a person reads them, and as the README's table has them."""

import statistics


class Row:
    """One figure: ours, the least that is possible, and blackbox_exporter's, each the median of the
    rounds; ratios are taken within a round. A goal is a ratio or a figure that may not be passed."""

    def __init__(self, what, unit, ours, floor=None, blackbox=None, goals=(), more_is_better=False):
        self.what, self.unit = what, unit
        self.figures = [middle(ours), middle(floor), middle(blackbox)]
        self.to_floor = ratio(ours, floor)
        self.to_blackbox = ratio(ours, blackbox)
        self.more = more_is_better
        self.goals = [(text, good) for text, good in (self.judge(*goal) for goal in goals)]

    def judge(self, of, word, bound):
        value = {"least": self.to_floor, "blackbox": self.to_blackbox, "own": self.figures[0]}[of]
        if value is None:
            return f"{word} {bound:g}: not measured", False
        good = value <= bound + 1e-9 if word == "≤" else value >= bound - 1e-9
        unit = {"least": "× least", "blackbox": "× blackbox", "own": self.unit}[of]
        return f"{word} {bound:.3g} {unit}".rstrip(), good

    def cells(self):
        show = [figure(value, self.unit) for value in self.figures]
        shares = ["–" if value is None else f"{value:.2f}" for value in
                  (self.to_floor, self.to_blackbox)]
        goal = "; ".join(f"{text}: {'met' if good else '**not met**'}" for text, good in self.goals)
        return [self.what, *show, *shares, goal or "–"]


def middle(values):
    if values is None:
        return None
    return statistics.median(values) if isinstance(values, list) else values


def ratio(ours, others):
    if ours is None or others is None:
        return None
    if not isinstance(ours, list):
        ours = [ours]
    if not isinstance(others, list):
        others = [others] * len(ours)
    pairs = [a / b for a, b in zip(ours, others) if b]
    return statistics.median(pairs) if pairs else None


def figure(value, unit):
    if value is None:
        return "–"
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".strip()


HEAD = ["measured", "smtp_exporter", "least possible", "blackbox_exporter", "÷ least", "÷ blackbox",
        "goal"]


def markdown(rows):
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def plain(row):
    what, ours, least, blackbox, to_least, to_blackbox, goal = row.cells()
    return (f"{what:58} {ours:>14} {least:>14} {blackbox:>14} {to_least:>6} {to_blackbox:>6}  "
            f"{goal}")
