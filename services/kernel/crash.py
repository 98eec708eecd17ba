"""Named points of the real path where a fault run may kill the process.

`LIANGXIN_CRASH_AT=relay:published` kills at that point, as a power cut would, and
`relay:published@3` when it is passed for the third time. Unset, it costs one comparison. Refused in
production by settings.
"""

import os
import signal

POINTS = (
    "unit:before-begin",
    "unit:begun",
    "ledger:posted",
    "unit:announced",
    "unit:before-commit",
    "unit:committed",
    "relay:published",
    "relay:marked",
    "reaction:before-commit",
    "reaction:committed",
    "timer:claimed",
    "blob:kept",
)

_POINT, _, _TIMES = os.environ.get("LIANGXIN_CRASH_AT", "").partition("@")
_left = int(_TIMES or "1")

if _POINT and _POINT not in POINTS:
    raise SystemExit(f"LIANGXIN_CRASH_AT names no crash point: choose {', '.join(POINTS)}")


def crash_point(name: str) -> None:
    """Die here if this is the point, and the time, that was asked for."""
    if _POINT and name == _POINT:
        _die_when_due()


def _die_when_due() -> None:
    global _left  # noqa: PLW0603  how often the point was passed is the process's own
    _left -= 1
    if _left == 0:
        os.write(2, f"crash point {_POINT}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
