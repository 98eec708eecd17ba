from services.identity.keys import actions, queries
from services.identity.keys.access import KeyAdmin, KeyReader
from services.identity.keys.schemas import KeyList, KeyView
from services.kernel.clock import system_now
from services.kernel.unit import CurrentRuntime, Session, noun_router

router = noun_router("identity", "keys")


@router.get("")
async def list_keys(_: KeyReader, session: Session) -> KeyList:
    """List the keys that sign or signed tokens; private parts are never shown."""
    return KeyList(items=[KeyView.model_validate(k) for k in await queries.keys(session)])


@router.post("/rotations", status_code=201)
async def rotate_keys(actor: KeyAdmin, session: Session, runtime: CurrentRuntime) -> KeyView:
    """Add a fresh signing key and retire the oldest; its tokens count for another hour."""
    # Keys live by system time, as tokens do.
    secret_key = runtime.settings.secret_key
    return KeyView.model_validate(
        await actions.rotate_keys(session, actor, secret_key, now=system_now())
    )
