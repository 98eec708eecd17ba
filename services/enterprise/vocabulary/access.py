"""Who reads the register, who writes to it."""

from services.kernel.actors import Role

# A bank reads a firm's file with the firm's consent only; until consent can be given, it does not.
STAFF = (
    Role.REGISTRAR,
    Role.REVIEWER,
    Role.APPROVER,
    Role.TREASURER,
    Role.AUDITOR,
    Role.ADMIN,
)
READERS = (Role.FIRM, *STAFF)
