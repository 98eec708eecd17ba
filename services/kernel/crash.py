"""Named points of the real path where a fault run may kill the process.

`LIANGXIN_CRASH_AT=relay:published` kills at that point, as a power cut would. Unset, it costs one
comparison. Refused in production by settings.
"""

import os
import signal

_CRASH_AT = os.environ.get("LIANGXIN_CRASH_AT", "")


def crash_point(name: str) -> None:
    """Die here if this is the point that was asked for."""
    if _CRASH_AT and name == _CRASH_AT:
        os.kill(os.getpid(), signal.SIGKILL)
