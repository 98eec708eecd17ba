import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.kernel.clock import city_day
from services.kernel.etags import set_etag
from services.kernel.exports import SUFFIXES, wanted_format
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.settings import Profile
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy.offers import queries
from services.policy.offers.access import BatchMover, BatchReader, BatchStarter
from services.policy.offers.actions.begin_batch import begin_batch
from services.policy.offers.actions.begin_batch import move_batch as move
from services.policy.offers.actions.write_file import WRITERS, cells
from services.policy.offers.rules import BatchState, LeftOut, OfferState
from services.policy.offers.schemas import BatchDeed, BatchList, BatchView, NewBatch, OfferList

router = noun_router("policy", "offer-batches")
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The firms of the batch, or all of them as the file that `Accept` asks for",
        "content": {str(media): {"schema": {"type": "string"}} for media in WRITERS},
    }
}


@router.post("", status_code=201, dependencies=[KEYED])
async def post_offer_batch(
    body: NewBatch,
    actor: BatchStarter,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
) -> BatchView:
    """Begin a batch of offers (免申即享) to whoever is entitled; another person approves it."""
    demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    batch = await begin_batch(session, actor, body, demonstration=demonstration, now=now)
    set_etag(response, batch.version)
    response.headers["Location"] = f"/v1/policy/offer-batches/{batch.id}"
    return await queries.view(session, actor, batch, city_day(now))


@router.get("")
async def list_offer_batches(
    *,
    actor: BatchReader,
    session: Session,
    page: Page,
    now: Now,
    programme: Annotated[str | None, Query(max_length=100)] = None,
    state: BatchState | None = None,
) -> BatchList:
    """List the batches of offers, the newest first."""
    rows = await queries.batches(session, actor, page, programme=programme, state=state)
    found = page_of(rows, page, lambda row: [row.id])
    items = [await queries.view(session, actor, row, city_day(now)) for row in found["items"]]
    return BatchList(items=items, next_cursor=found["next_cursor"])


@router.get("/{batch_id}")
async def get_offer_batch(
    batch_id: UUID, actor: BatchReader, session: Session, now: Now, response: Response
) -> BatchView:
    """Read a batch: its progress, and how many firms were found, left out, and have answered."""
    batch = await queries.batch(session, actor, batch_id)
    set_etag(response, batch.version)
    return await queries.view(session, actor, batch, city_day(now))


@router.post("/{batch_id}/events", dependencies=[KEYED])
async def move_offer_batch(
    *,
    batch_id: UUID,
    body: BatchDeed,
    actor: BatchMover,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
) -> BatchView:
    """Approve a batch (another person than who began it), cancel a draft, or close it."""
    demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    batch = await move(session, actor, batch_id, body, demonstration=demonstration, now=now)
    set_etag(response, batch.version)
    return await queries.view(session, actor, batch, city_day(now))


@router.get("/{batch_id}/offers", response_model=OfferList, responses=FILES)
async def list_offers(
    *,
    batch_id: UUID,
    actor: BatchReader,
    session: Session,
    page: Page,
    request: Request,
    runtime: CurrentRuntime,
    state: OfferState | None = None,
    reason: LeftOut | None = None,
) -> Any:
    """List the firms of a batch with what became of each, and why some were left out."""
    batch = await queries.batch(session, actor, batch_id)
    wanted = wanted_format(request.headers.get("accept"), WRITERS)
    if wanted is None:
        rows = await queries.offers(session, batch.id, page, state=state, reason=reason)
        found = page_of(rows, page, lambda row: [row.uscc])
        items = [queries.offer_view(row) for row in found["items"]]
        return OfferList(items=items, next_cursor=found["next_cursor"])
    lines: list[Sequence[Any]] = []
    async for some in queries.every_offer(runtime.sessions, batch.id):
        lines += [cells(row) for row in some if state in (None, row.state)
                  and reason in (None, row.reason)]  # fmt: skip
    content = await asyncio.to_thread(WRITERS[wanted], lines)
    name = f"offers-{batch.programme}-{batch.matter_period}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, wanted)
