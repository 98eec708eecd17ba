"""What the database's errors mean: try again, already there, does not fit, or our fault."""

import asyncpg
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.kernel.errors import Conflict, Invalid, Refusal, Unavailable

log = structlog.get_logger()

RETRYABLE_SQLSTATES = ("40001", "40P01")

_CONTENTION = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
_OUTAGE = (
    *_CONTENTION,
    asyncpg.QueryCanceledError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # What the driver says when a connection ends in the midst of a statement.
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    OSError,
)
_TWICE = (asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)
_UNFIT = (
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.DatetimeFieldOverflowError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.UntranslatableCharacterError,
)


def sqlstate_of(error: BaseException) -> str | None:
    """Give PostgreSQL's code of an error, whether it came through SQLAlchemy or from the driver."""
    return getattr(_cause(error), "sqlstate", None)


def is_database_outage(error: BaseException) -> bool:
    """Tell an outage, a timeout or a lost race from a fault of ours."""
    if isinstance(error, InterfaceError | PoolTimeoutError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(_cause(error), _OUTAGE)


def is_database_away(error: BaseException) -> bool:
    """Tell that no statement can succeed now from a fault of one statement."""
    return is_database_outage(error) and not isinstance(
        _cause(error), (*_CONTENTION, asyncpg.QueryCanceledError)
    )


def refusal_from_database(error: BaseException) -> Refusal | None:
    """Word what the database said, where a caller can do something about it."""
    cause = _cause(error)
    if isinstance(cause, _CONTENTION):
        return Unavailable(
            "同一记录正被他人修改，请稍后重试。",
            "The same record is being changed by others; try again.",
            code="contention",
            retry_after_s=1,
        )
    if is_database_outage(error):
        log.error("database unavailable", kind=type(cause).__name__)
        return Unavailable(
            "数据库暂时无法应答，请稍后用同一Idempotency-Key重试。",
            "The database cannot answer now; retry later with the same Idempotency-Key.",
            code="database-unavailable",
            retry_after_s=2,
        )
    if isinstance(cause, _TWICE):
        return Conflict(
            "同样的记录已经存在。", "The same record is already there.", code="already-exists"
        )
    # The driver's own check of a value before it is sent is the bare class.
    if isinstance(cause, _UNFIT) or type(cause) is asyncpg.DataError:
        return Invalid(
            "有数值超出可记录的范围，或文本含有非法字符。",
            "A value is out of range, or a text holds an illegal character.",
            code="value-out-of-range",
        )
    return None


def _cause(error: BaseException) -> BaseException:
    origin = getattr(error, "orig", None)
    return getattr(origin, "__cause__", None) or origin or error
