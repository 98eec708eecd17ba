"""Seeded chance in whole numbers: the same seed gives the same city on every machine."""

from random import Random

YUAN = 100
WAN = 10_000 * YUAN
BP = 10_000


def stream(seed: int, *names: object) -> Random:
    """Open a stream of its own for each purpose, so that one more draw here moves nothing there."""
    return Random("/".join(map(str, (seed, *names))))  # noqa: S311  # repeatable, no secret


def log_normal(rng: Random, median_wan: int) -> int:
    """Draw a turnover in fen: thirteen equal steps up or down, normal in its logarithm."""
    value = median_wan * WAN
    for _ in range(13):
        step = rng.randint(0, 8000)
        up = rng.getrandbits(1)
        value = value * (BP + step) // BP if up else value * BP // (BP + step)
    return to_yuan(value)


def to_yuan(fen: int) -> int:
    return fen // YUAN * YUAN


def part(whole: int, basis_points: int) -> int:
    """Take a share of an amount, rounded down to the yuan; of a loss as well."""
    return to_yuan(whole * basis_points // BP)


def one_in(rng: Random, n: int) -> bool:
    return rng.randrange(n) == 0


def chance(rng: Random, percent: int) -> bool:
    return rng.randrange(100) < percent
