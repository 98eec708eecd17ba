"""Loading modules quickly."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def loading() -> Generator[None]:
    """Let the garbage collector rest while modules load.

    It would walk what is loaded so far again and again, a quarter of the time. Modules stay for
    good, so that later collections need not walk them either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


def keep_loaded() -> None:
    """Take what a started process has loaded out of the garbage collector's reach.

    Plans, rules and models stay for good; to walk them took 20 to 50 ms each time, in which
    nothing was answered.
    """
    gc.collect()
    gc.freeze()
