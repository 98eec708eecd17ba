"""A transaction ends at the edge: the kernel's unit of work commits, and nothing else does."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, findings, planted, sources

ENDINGS = ("commit", "rollback")
KERNEL = "services/kernel/"


def transaction_ends(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr in ENDINGS:
            yield source.at(node, node.attr)


def test_only_the_kernel_ends_a_transaction() -> None:
    written = sources("services/**/*.py", "gateway/**/*.py")
    kernel = [source for source in written if source.path.startswith(KERNEL)]
    others = [source for source in written if not source.path.startswith(KERNEL)]

    assert findings(transaction_ends, others) == []
    assert findings(transaction_ends, kernel), "the kernel commits nothing either"


def test_a_commit_in_an_action_is_found(tmp_path: Path) -> None:
    text = "async def pay(session):\n    await session.commit()\n    end = session.rollback\n"
    actions = planted(tmp_path, "services/finance/payouts/actions.py", text)

    assert sorted(findings(transaction_ends, actions)) == [
        "services/finance/payouts/actions.py:2: commit",
        "services/finance/payouts/actions.py:3: rollback",
    ]
