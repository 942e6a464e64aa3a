"""Sides of bench/peers.py taking turns, and what their times say."""
import statistics
import time

PAUSE_SECONDS = 0.02  # so that one side's spinning threads do not eat the other's turn


def turn(side, turn_seconds):
    """Seconds of one run, from as many runs as fill a turn."""
    time.sleep(PAUSE_SECONDS)
    once = side.run(1)
    count = max(3, int(turn_seconds / max(once, 1e-6)))
    return side.run(count) / count


def take_turns(sides, rounds, turn_seconds):
    """{name: seconds of each round}"""
    names, seconds = list(sides), {name: [] for name in sides}
    for r in range(rounds):
        for name in names[r % len(names):] + names[:r % len(names)]:
            seconds[name].append(turn(sides[name], turn_seconds))
    return seconds


def paired_ratio(ours, theirs):
    """Median of the rounds' ratios theirs / ours, and their quartiles as text."""
    ratios = sorted(b / a for a, b in zip(ours, theirs))
    quarter = len(ratios) // 4
    return statistics.median(ratios), f'{ratios[quarter]:.2f}-{ratios[-1 - quarter]:.2f}'
