from services.kernel.actors import Anyone
from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.errors import NotFound
from services.kernel.unit import Now, noun_router
from services.policy.gates import queries
from services.policy.gates.schemas import GateView, PlanList
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import plan_view

router = noun_router("policy", "plans")


@router.get("")
async def list_plans(_: Anyone, now: Now) -> PlanList:
    """List the policy documents that are held as data, with status and days of force."""
    on = city_day(now)
    return PlanList(items=[plan_view(each, on) for each in library().plans.values()])


@router.get("/{plan_id}/gate")
async def get_gate(plan_id: str, _: Anyone, now: Now, on: Day | None = None) -> GateView:
    """Tell what a plan lacks to go live: procedure, publication, fair-competition review."""
    plan = library().plans.get(plan_id)
    if plan is None:
        raise NotFound("没有这个政策文件。", "There is no such plan.")
    return queries.gate_view(plan, on or city_day(now))
