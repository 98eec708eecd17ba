"""One sequence of the case machine: what is tried next, by whom, and what must come of it."""

from collections import Counter

from services.kernel.ids import new_id
from tests.policy.case_hands import DAYS, Hands
from tests.policy.case_model import (
    CALLERS,
    HANDLING,
    LIFE,
    PAYMENTS,
    PROGRAMMES,
    READERS,
    RECOVERIES,
    TREASURERS,
    WHOSE,
    Case,
)
from tests.policy.money_model import money_verdict, move_money

CASES_MAX = 4
WAYS = {"propose": ("approve", "override", "refuse"), "decide": ("approve", "refuse")}
# What goes on is tried more often than what ends a case, or else no case would grow old.
ENDS = frozenset(
    {"withdraw", "revoke", "refuse", "cancel", "cancel-recovery", "uphold-refuse", "return"}
)
LIKELY = 12
LEAP = 3
DISTURBERS = ("treasurer", "treasurer-b", "reviewer", "approver", "own")
# Sent one right after the other, before anybody else has heard the first.
AT_ONCE = {
    "decide": ("approver", "approve", "revoke", "approver"),
    "propose": ("reviewer", "approve", "withdraw", "own"),
}
# The first two are there from the beginning.
SLOTS = (0, 0, 0, 1, 1, 1, 2, 3)
Step = tuple[str, int, int, int]
KINDS = (
    *["onward"] * 9,
    *["any"] * 5,
    "money",
    "handle",
    "stale",
    "at-once",
    "open",
    "tick",
    "aid",
)


class Course:
    """One sequence: the model and the hands, step by step."""

    def __init__(self, hands: Hands, counts: Counter[str]) -> None:
        self.hands, self.world, self.counts = hands, hands.world, counts

    async def step(self, step: Step) -> None:
        kind, slot, a, b = step
        a, b = scattered(a), scattered(b)
        case = self.world.cases[slot % len(self.world.cases)]
        if kind == "open":
            await self.open(PROGRAMMES[a % 2])
        elif kind == "tick":
            await self.tick()
        elif kind == "aid":
            await self.declare(PROGRAMMES[a % 2], is_wanted=b % 4 == 0)
        elif kind == "at-once":
            await self.at_once(case)
        elif kind in ("onward", "leap"):
            for more in range(LEAP if kind == "leap" else 1):
                await self.onward(case, scattered(a + more), scattered(b + more))
        else:
            await self.disturb(kind, case, a, b)
        await self.hands.look(READERS[b % len(READERS)], case)

    async def grow(self, ages: tuple[int, int]) -> None:
        """Have the first two cases go on by so many moves."""
        for case, age in zip(self.world.cases, ages, strict=False):
            for move in range(age):
                await self.onward(case, scattered(move + 31 * sum(ages)), move)
            await self.hands.look("auditor", case)

    async def disturb(self, kind: str, case: Case, a: int, b: int) -> None:
        """Try whatever it is, legal or not, by whomever."""
        if kind == "any":
            event, caller = tuple(WHOSE)[a % len(WHOSE)], tuple(CALLERS)[b % len(CALLERS)]
            ways = WAYS.get(event, ("",))
            await self.event(case, event, caller, ways[b % len(ways)])
        elif kind == "stale":
            event = tuple(WHOSE)[a % len(WHOSE)]
            if LIFE[case.state]:
                event = tuple(LIFE[case.state])[a % len(LIFE[case.state])]
            caller = next(name for name, who in CALLERS.items() if WHOSE[event] in who.roles)
            await self.event(case, event, caller, WAYS.get(event, ("",))[0], stale=True)
        else:
            names = (*PAYMENTS, *RECOVERIES) if kind == "money" else (*HANDLING, "object-publicly")
            await self.do(case, names[a % len(names)], DISTURBERS[b % len(DISTURBERS)], "")

    async def onward(self, case: Case, a: int, b: int) -> None:
        """Do something that the model allows; time may be what a notice waits for."""
        branches: dict[tuple[str, str], list[str]] = {}
        for name, caller, way in self.options(case):
            branches.setdefault((name, way), []).append(caller)
        weighed = [
            branch
            for branch in branches
            for _ in range(1 if ENDS.intersection(branch) else LIKELY)
        ]  # fmt: skip
        if not weighed:
            await self.open(case.programme)
            return
        waits = case.state == "in-notice" and not case.is_notice_over(self.world.tick)
        if waits and a % 3 and self.world.tick + 1 < len(DAYS):
            await self.tick()
            return
        name, way = weighed[a % len(weighed)]
        callers = branches[name, way]
        await self.do(case, name, callers[b % len(callers)], way)

    def options(self, case: Case) -> list[tuple[str, str, str]]:
        """List everything that is legal for a case now."""
        found: list[tuple[str, str, str]] = []
        for event in LIFE[case.state]:
            found += [
                (event, caller, way)
                for caller in CALLERS
                for way in WAYS.get(event, ("",))
                if self.world.verdict(case, event, caller, way, stale=False).is_done
            ]
        found += self.options_of_money(case)
        if case.objections:
            found += [(name, caller, "") for name in HANDLING for caller in ("reviewer", "both")]
        in_time = self.world.objection_verdict(case).is_done
        if in_time and self.hands.can_do(case, "object-publicly"):
            found.append(("object-publicly", "public", ""))
        return found

    def options_of_money(self, case: Case) -> list[tuple[str, str, str]]:
        """List what is legal for a case's award and its batch now."""
        award = case.award
        if award is None:
            return []
        return [
            (name, caller, "")
            for name in (*PAYMENTS, *RECOVERIES)
            for caller in TREASURERS
            if self.hands.can_do(case, name) and money_verdict(award, name, caller).is_done
        ]

    async def do(self, case: Case, name: str, caller: str, way: str) -> None:
        if not self.hands.can_do(case, name):
            self.counts["nothing to do it to"] += 1
        elif name in WHOSE:
            await self.event(case, name, caller, way)
        elif name == "object-publicly":
            await self.object_publicly(case)
        elif name in HANDLING:
            await self.handle(case, name, caller)
        else:
            await self.money(case, name, caller)

    async def event(
        self, case: Case, event: str, caller: str, way: str, *, stale: bool = False
    ) -> None:
        verdict = self.world.verdict(case, event, caller, way, stale=stale)
        before, since = (await self.hands.rows())[self.hands.id_of(case)], new_id()
        answer = await self.hands.send(case, event, caller, way, stale=stale)
        told = f"{event} {way} by {caller} in {case.state}"
        if not self.hands.expect(answer, verdict, told):
            await self.hands.require_refused(case, before, since, answer, caller)
            self.counts[f"refused {verdict.status} {answer.json()['code']}"] += 1
            return
        self.counts[f"{case.state}: {event}"] += 1
        self.world.do(case, event, caller, way)
        if event == "object":
            await self.learn_objection(case)
        await self.hands.platform.settle()
        if event == "propose":
            # Its notice is learned.
            await self.hands.look_as("auditor", case)

    async def learn_objection(self, case: Case) -> None:
        """Find the objection that the applicant's event made."""
        id_ = self.hands.id_of(case)
        path = f"/v1/policy/notices/{self.hands.notices[id_]}/objections"
        found = (await self.hands.client("reviewer").get(path)).json()["items"]
        known = self.hands.objections.setdefault(id_, [])
        fresh = [f"{path}/{each['id']}" for each in found if each["state"] == "received"]
        known += [each for each in fresh if each not in known]

    async def object_publicly(self, case: Case) -> None:
        verdict = self.world.objection_verdict(case)
        answer = await self.hands.object_publicly(case)
        if self.hands.expect(answer, verdict, f"an objection in {case.state}"):
            self.counts[f"{case.state}: objection"] += 1
            id_, found = self.hands.id_of(case), answer.json()
            path = f"/v1/policy/notices/{found['notice']}/objections/{found['id']}"
            self.hands.objections.setdefault(id_, []).append(path)
            self.world.object_publicly(case)
        else:
            self.counts["refused 409 objection-late"] += 1
        await self.hands.platform.settle()

    async def handle(self, case: Case, how: str, caller: str) -> None:
        verdict = self.world.handling_verdict(caller)
        answer = await self.hands.handle(case, how, caller)
        if self.hands.expect(answer, verdict, f"{how} by {caller} in {case.state}"):
            self.counts[f"{case.state}: {how}"] += 1
            self.world.handle(case, how, caller)
            self.hands.objections[self.hands.id_of(case)].pop(0)
            await self.hands.platform.settle()
        else:
            self.counts[f"refused {how} 403"] += 1

    async def money(self, case: Case, event: str, caller: str) -> None:
        assert case.award is not None
        verdict, was = money_verdict(case.award, event, caller), case.award.state
        answer = await self.hands.money(case, event, caller)
        told = f"{event} by {caller} of {case.award}"
        if not self.hands.expect(answer, verdict, told):
            self.counts[f"refused money {verdict.status} {answer.json()['code']}"] += 1
            return
        self.counts[f"money {was}: {event}"] += 1
        if event == "prepare":
            self.hands.payouts[self.hands.id_of(case)] = answer.json()["id"]
        move_money(case, event, caller)
        if event == "give-back":
            del self.hands.payouts[self.hands.id_of(case)]
        await self.hands.platform.settle()

    async def open(self, programme: str) -> None:
        verdict = self.world.may_open(programme)
        if len(self.world.cases) >= CASES_MAX and verdict.is_done:
            return
        answer = await self.hands.open(programme)
        if self.hands.expect(answer, verdict, f"opening {programme}"):
            self.counts["opened"] += 1
            self.world.cases.append(Case(programme))
            self.hands.ids.append(answer.json()["id"])
        else:
            self.counts["refused 409 case-exists"] += 1

    async def tick(self) -> None:
        if self.world.tick + 1 < len(DAYS):
            self.counts["days went by"] += 1
            await self.hands.tick()

    async def declare(self, programme: str, *, is_wanted: bool) -> None:
        if is_wanted and programme not in self.world.declared:
            self.counts["aid declared"] += 1
            self.world.declared.add(programme)
            await self.hands.declare(programme)

    async def at_once(self, case: Case) -> None:
        """Do two things before finance has heard the first."""
        for event, (caller, way, then, other) in AT_ONCE.items():
            if not self.world.verdict(case, event, caller, way, stale=False).is_done:
                continue
            self.counts[f"{case.state}: {event}, at once {then}"] += 1
            for sent, by, how in ((event, caller, way), (then, other, "")):
                answer = await self.hands.send(case, sent, by, how)
                assert answer.status_code == 200, answer.text
                self.world.do(case, sent, by, how)
            await self.hands.platform.settle()
            return


def scattered(number: int) -> int:
    """Spread numbers, of which small ones are drawn more often than others."""
    return (number + 1) * 2_654_435_761 % 1_000_003
