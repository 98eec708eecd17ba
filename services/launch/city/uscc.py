"""Synthetic but valid unified social credit codes."""

import re

from stdnum.cn import uscc

from services.enterprise.codes.uscc import ALPHABET, organisation_check_digit

# Under a Ningbo authority no firm bears this block of organisation codes: it belongs to another
# province's offices. The documented synthetic code 91330282MA00T35T2N stands in it, too.
BLOCK = "MA00"
AUTHORITY = re.compile("[1-9][0-9]{5}")
FREE_CHARACTERS = 4
SEQUENCES = len(ALPHABET) ** FREE_CHARACTERS
# Coprime to 31, so that stepping by it visits every code once, in no visible order.
STRIDE = 387_420_491


def make_uscc(authority: str, sequence: int) -> str:
    """Make the code of a company registered by the authority (six digits); one per sequence."""
    if AUTHORITY.fullmatch(authority) is None:
        raise ValueError("an authority is a division code of six digits")
    if not 0 <= sequence < SEQUENCES:
        raise ValueError(f"a sequence lies between 0 and {SEQUENCES - 1}")
    base = BLOCK + _letters(sequence * STRIDE % SEQUENCES)
    first_17 = f"91{authority}{base}{organisation_check_digit(base)}"
    return first_17 + uscc.calc_check_digit(first_17)


def _letters(number: int) -> str:
    letters = ""
    for _ in range(FREE_CHARACTERS):
        number, rest = divmod(number, len(ALPHABET))
        letters = ALPHABET[rest] + letters
    return letters
