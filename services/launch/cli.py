"""The `liangxin` command; each of its verbs loads what it needs, and no more."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop
from rich.console import Console

from services.launch.configuration import SERVICE_NAMES, data_folder
from services.launch.embedded import stop_embedded
from services.launch.mark import end_platform
from services.launch.modules import loading

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Liangxin 两新: an innovation action plan as a running service.",
)
events = typer.Typer(no_args_is_help=True, help="Announcements: refill, restate, parked ones.")
audit = typer.Typer(no_args_is_help=True, help="The audit chain.")
app.add_typer(events, name="events")
plan = typer.Typer(no_args_is_help=True, help="The plans as files.")
app.add_typer(audit, name="audit")
app.add_typer(plan, name="plan")
console = Console()


class Engine(StrEnum):
    POLARS = "polars"
    SPARK = "spark"


ServiceName = Annotated[
    str, typer.Argument(help="identity, enterprise, policy, finance or gateway")
]


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def run(
    service: Annotated[
        str, typer.Argument(help="one service or `gateway`; all in one process when left out")
    ] = "",
    port: Annotated[int, typer.Option(envvar="PORT")] = 8000,
    host: Annotated[str, typer.Option(envvar="LIANGXIN_HOST")] = "127.0.0.1",
) -> None:
    """Run the platform with the demonstration city, or one service of it on outside servers."""
    with loading():
        work = _work_of(service, host, port)
    uvloop.run(work)


def _work_of(service: str, host: str, port: int) -> Coroutine[Any, Any, None]:
    if not service:
        from services.launch.commands.running import run_all

        return run_all(host, port)
    if service == "gateway":
        from services.launch.commands.gateway_alone import run_gateway

        return run_gateway(host, port)
    if service not in SERVICE_NAMES:
        names = ", ".join(SERVICE_NAMES)
        raise SystemExit(f"there is no service {service}: choose {names} or gateway")
    from services.launch.commands.one_service import run_service

    return run_service(service, host, port)


@app.command()
def demo(
    split: Annotated[
        bool, typer.Option("--split", help="each service and the gateway as a process of its own")
    ] = False,
    without: Annotated[
        str, typer.Option(help="SERVICE=SECONDS: end that one in the middle (with --split)")
    ] = "",
) -> None:
    """Play the story on a fresh database over HTTP; exit 0 only if all came out as it must."""
    with loading():
        from services.launch.commands.demonstration import play_story
    raise typer.Exit(uvloop.run(play_story(console, split=split, without=without)))


@app.command()
def stop() -> None:
    """End the platform of this data folder and its servers, also those a crash left behind."""
    for folder in (data_folder(), data_folder() / "demo"):
        if folder.exists():
            if end_platform(folder):
                console.print("platform ended")
            stop_embedded(folder)
    console.print("embedded servers stopped")


@app.command()
def token(
    client: Annotated[str, typer.Argument(help="a client of the demonstration, such as registrar")],
) -> None:
    """Print a fresh access token of a demonstration client, for use with curl."""
    from services.launch.commands.demonstration_token import demonstration_token

    print(demonstration_token(client))  # noqa: T201  this is what it is for


@app.command()
def migrate() -> None:
    """Make database, roles and schemas, and bring them to their newest version."""
    from services.launch.commands import operating

    asyncio.run(operating.migrate_all())


@app.command("check-migrations")
def check_migrations() -> None:
    """Fail if models and migrations differ, or if a migration cannot be undone."""
    from services.launch.commands import operating

    raise typer.Exit(asyncio.run(operating.check_migrations(console)))


@app.command()
def contracts(
    check: Annotated[
        bool, typer.Option("--check", help="only compare with the committed files")
    ] = False,
) -> None:
    """Write the API document and the event document from the code."""
    from services.launch.commands import documents

    raise typer.Exit(documents.write_contracts(console, check_only=check))


@app.command()
def matrix() -> None:
    """Print who may call which route, as the code enforces it."""
    from services.launch.commands import documents

    documents.print_matrix(console)


@app.command()
def coverage() -> None:
    """Print the measures row by row: phrases, programmes, parameters, records that serve them."""
    from services.launch.commands.coverage import print_coverage

    raise typer.Exit(asyncio.run(print_coverage(console)))


@app.command()
def replay(case: Annotated[str, typer.Argument(help="the id of a case")]) -> None:
    """Recompute a decision from its frozen situation, and compare it byte for byte."""
    from services.launch.commands import replaying

    raise typer.Exit(_looked_into(replaying.replay_case(console, case)))


@plan.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(help="a folder of plan folders; those that run here if left out"),
    ] = None,
) -> None:
    """Read plans and work their examples; name every fault with file, line and field."""
    from services.launch.commands.planning import check_plans

    raise typer.Exit(check_plans(console, folder))


@app.command()
def evaluate(
    facts: Annotated[str, typer.Option(help="a Parquet file, or a folder of them")],
    out: Annotated[str, typer.Option(help="where the results go: a file, or a folder likewise")],
    engine: Annotated[Engine, typer.Option(help="polars here, spark on a cluster")] = Engine.POLARS,
    on: Annotated[str, typer.Option(help="the day of the question; today when left out")] = "",
    master: Annotated[str, typer.Option(help="where Spark runs")] = "local[*]",
) -> None:
    """Ask all programmes of the plan about many firms at once, from columns of facts."""
    with loading():
        from services.launch.commands.evaluating import evaluate_table

    master = master if engine is Engine.SPARK else ""
    raise typer.Exit(evaluate_table(console, facts, out, on=on, master=master))


@events.command()
def republish(
    since: Annotated[str, typer.Option(help="RFC 3339 instant; everything when left out")] = "",
    service: Annotated[str, typer.Option(help="one service; all when left out")] = "",
) -> None:
    """Publish outbox rows again, to refill a broker that lost its store."""
    from services.launch.commands import operating

    raise typer.Exit(_looked_into(operating.republish(console, service, since)))


@events.command()
def restate(service: ServiceName) -> None:
    """Announce the current state of everything a service owns, for a newcomer."""
    from services.launch.commands import operating

    raise typer.Exit(_looked_into(operating.restate(console, service)))


@events.command()
def parked(
    service: ServiceName,
    retry: Annotated[bool, typer.Option("--retry", help="react to them again")] = False,
) -> None:
    """List the events that could not be reacted to, or try them again."""
    from services.launch.commands import operating

    raise typer.Exit(_looked_into(operating.parked(console, service, retry=retry)))


@audit.command()
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="folder of the exported checkpoints")
    ] = None,
) -> None:
    """Recompute every audit chain and name the first row that was tampered with."""
    from services.launch.commands import operating

    raise typer.Exit(_looked_into(operating.verify_audit(console, checkpoints)))


def _looked_into(work: Coroutine[Any, Any, int | None]) -> int:
    """Do work on a platform that is there; 2, with a sentence, where none has been."""
    from services.launch.standing import NoPlatform

    try:
        return asyncio.run(work) or 0
    except NoPlatform as refusal:
        console.print(str(refusal), highlight=False, markup=False, soft_wrap=True)
        return 2
