"""The story, act by act."""

from rich.console import Console

from services.kernel.settings import Settings
from services.launch.caller import Caller, UnexpectedAnswer
from services.launch.city.model import City
from services.launch.story.call import fill_five_places
from services.launch.story.closing import archive_a_case
from services.launch.story.entitlements import show_entitlements
from services.launch.story.offers import offer_unasked
from services.launch.story.outage import Outage
from services.launch.story.payees import pay_thirty
from services.launch.story.payment import (
    apply_twice,
    pay_a_case,
    pay_beside_its_base,
    refuse_the_same_again,
    top_up,
)
from services.launch.story.proof import (
    check_audit,
    check_ledger,
    replay_decision,
    show_end_state,
)
from services.launch.story.stage import Stage
from services.launch.story.titles import let_end, recommend
from services.launch.story.trial import try_then_set


async def play(
    console: Console, caller: Caller, city: City, settings: Settings, outage: Outage | None = None
) -> int:
    """Play every act, one of them without a service; 0 only if each came out as it must."""
    stage = Stage(console, caller, city, settings)
    console.print("演示数据均为合成数据 · all data are synthetic", style="dim")
    try:
        await show_entitlements(stage)
        paid = await pay_a_case(stage)
        if outage is not None:
            await outage.begin(stage)
        again, more = await apply_twice(stage)
        if outage is not None:
            await outage.end(stage, (again, more))
        await refuse_the_same_again(stage, again)
        await top_up(stage, more)
        await try_then_set(stage)
        await pay_beside_its_base(stage)
        await fill_five_places(stage)
        await offer_unasked(stage)
        await archive_a_case(stage, await pay_thirty(stage))
        await let_end(stage, await recommend(stage))
        await replay_decision(stage, paid)
        await check_ledger(stage)
        await check_audit(stage)
        await show_end_state(stage)
    except UnexpectedAnswer as error:
        console.print(f"[red]✗[/red] {error}", highlight=False)
        return 1
    finally:
        if outage is not None:
            outage.give_up()
    total, good = len(stage.checks), len(stage.checks) - stage.failures
    console.rule()
    console.print(f"{good} of {total} outcomes as they must be · {good}/{total} 项结果符合预期")
    return 1 if stage.failures else 0
