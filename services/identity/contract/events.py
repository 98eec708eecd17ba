"""What identity announces; the classes stand in the kernel, because every service verifies tokens itself."""

from services.kernel.moved_clock import ClockMoved
from services.kernel.tokens import KeyChanged, PrincipalChanged, TokenRevoked

__all__ = ["ClockMoved", "KeyChanged", "PrincipalChanged", "TokenRevoked"]
