"""What identity announces; the classes are the kernel's, as every service verifies tokens."""

from services.kernel.moved_clock import ClockMoved
from services.kernel.tokens import KeyChanged, PrincipalChanged, TokenRevoked

__all__ = ["ClockMoved", "KeyChanged", "PrincipalChanged", "TokenRevoked"]
