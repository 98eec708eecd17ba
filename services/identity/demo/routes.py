from datetime import timedelta

from services.identity.demo import actions
from services.identity.demo.access import (
    DEMONSTRATION_ONLY,
    ClockMover,
    ClockReader,
    PersonCaller,
)
from services.identity.demo.schemas import (
    ClockSetting,
    ClockView,
    SubjectToken,
    SubjectTokenRequest,
)
from services.identity.tokens.rules import TOKEN_TYPES
from services.kernel.clock import CITY, city_day, system_now
from services.kernel.idempotency import ANSWER_NEVER_KEPT
from services.kernel.unit import CurrentRuntime, Session, after_commit, noun_router

router = noun_router("identity", "demo", prefix="/v1/demo")


@router.get("/clock", dependencies=[DEMONSTRATION_ONLY])
async def get_clock(_: ClockReader, runtime: CurrentRuntime) -> ClockView:
    """Read the demonstration's business clock."""
    return _view(runtime.clock.offset)


@router.post("/clock", dependencies=[DEMONSTRATION_ONLY])
async def move_clock(
    body: ClockSetting, actor: ClockMover, session: Session, runtime: CurrentRuntime
) -> ClockView:
    """Set the demonstration's business clock; it runs on from there. Tokens keep system time."""
    clock = await actions.move_clock(session, actor, body.now, now=system_now())
    offset_s, version = clock.offset_s, clock.version
    after_commit(session, lambda: runtime.clock.follow(offset_s, version))
    return _view(timedelta(seconds=offset_s))


@router.post("/subject-tokens", dependencies=[ANSWER_NEVER_KEPT, DEMONSTRATION_ONLY])
async def sign_in(
    body: SubjectTokenRequest, _: PersonCaller, session: Session, runtime: CurrentRuntime
) -> SubjectToken:
    """Sign a synthetic person in at the demonstration's provider, to try the token exchange."""
    token = await actions.sign_in(session, runtime.settings, body.subject)
    return SubjectToken(
        subject_token=token, subject_token_type=TOKEN_TYPES[0], issuer=actions.DEMO_ISSUER
    )


def _view(offset: timedelta) -> ClockView:
    now = (system_now() + offset).astimezone(CITY)
    return ClockView(
        now=now, today=city_day(now).isoformat(), offset_s=round(offset.total_seconds())
    )
