"""One case, one archive: sealed once it has ended, taken out, and every file of it recomputed."""

import hashlib
import io
from typing import Any
from zipfile import ZipFile

from services.launch.story.stage import Stage

MANIFEST = "manifest.json"
KINDS = ("case", "situation", "assessment", "rule", "history", "payment")


async def archive_a_case(stage: Stage, case: dict[str, Any]) -> None:
    """Archive a case that was paid, take its volume out as an auditor does, and verify it."""
    stage.act("一案一档", "a case archived and verified")
    caller, path = stage.caller, f"/v1/policy/cases/{case['id']}/archive"
    volume = await caller.post("approver", path)
    _show(stage, volume)
    items = volume["manifest"]["items"]
    stage.check(
        "the first volume of a closed case", [volume["volume"], volume["case_state"]], [1, "closed"]
    )
    stage.check_holds(
        "it holds the case, what it was decided on, its history and its payment",
        set(KINDS) <= {item["kind"] for item in items},
    )
    again = await caller.post("approver", path, expect=(409,))
    stage.console.print(f"  {again['detail']}", highlight=False)
    stage.check("it is archived once as it stands", again["code"], "already-archived")
    package = (await caller.ask("auditor", "GET", f"{path}/package")).content
    stage.check(
        "the package taken out is its manifest and every file, each under its hash",
        _hashes_in(package),
        {MANIFEST: volume["package_sha256"]} | {item["name"]: item["sha256"] for item in items},
    )
    found = await caller.get("auditor", f"{path}/verification")
    stage.check(
        "recomputed where they lie, the files are what they were",
        [found["same"], found["differs"], found["found_sha256"], len(found["items"])],
        [True, [], volume["package_sha256"], len(items)],
    )
    stage.check_holds("and every file holds", all(item["same"] for item in found["items"]))


def _hashes_in(package: bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(package)) as volume:
        names = volume.namelist()
        return {name: hashlib.sha256(volume.read(name)).hexdigest() for name in names}


def _show(stage: Stage, volume: dict[str, Any]) -> None:
    table = stage.table("序号", "题名 title", "类别 kind", "字节 bytes")
    for item in volume["manifest"]["items"]:
        table.add_row(str(item["number"]), item["title"], item["kind"], str(item["bytes"]))
    stage.console.print(table)
    stage.console.print(f"  package {volume['package_sha256']}", highlight=False)
