"""Whether something that was sampled over time stays where it is."""

import statistics


def quarter(samples, number):
    """The samples of one quarter of the time, 1 to 4."""
    size = len(samples) / 4
    return samples[round((number - 1) * size):round(number * size)]


def slope(times, values):
    """The least squares slope, per unit of time."""
    middle, mean = statistics.fmean(times), statistics.fmean(values)
    spread = sum((t - middle) ** 2 for t in times)
    if spread == 0:
        return 0.0
    return sum((t - middle) * (v - mean) for t, v in zip(times, values)) / spread


class Flatness:
    """One quantity: its level in the second quarter, what it gained until the last one, and what the
    fitted line gains over the three quarters after the warm-up."""

    def __init__(self, name, unit, times, values, share, least):
        self.name, self.unit = name, unit
        self.share, self.least = share, least
        self.level = statistics.median(quarter(values, 2))
        self.last = statistics.median(quarter(values, 4))
        warm = round(len(values) / 4)
        self.slope = slope(times[warm:], values[warm:])
        self.rise = self.slope * (times[-1] - times[warm])
        self.most = self.level * share + least

    @property
    def good(self):
        return self.rise <= self.most and self.last - self.level <= self.most

    def line(self, word=None):
        word = word or ("flat" if self.good else "GROWS")
        return (f"{word:5}  {self.name:12} second quarter {self.level:.1f} {self.unit}, last "
                f"{self.last:.1f}, slope {self.slope * 3600:+.2f} an hour, {self.rise:+.2f} in all "
                f"(bound {self.most:.2f}: {self.share:.0%} and {self.least})")
