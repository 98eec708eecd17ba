"""The `liangxin` command."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from services.launch import commands
from services.launch.configuration import data_folder
from services.launch.embedded import stop_embedded

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Liangxin 两新: an innovation action plan as a running service.",
)
events = typer.Typer(no_args_is_help=True, help="Announcements: refill, restate, parked ones.")
audit = typer.Typer(no_args_is_help=True, help="The audit chain.")
app.add_typer(events, name="events")
app.add_typer(audit, name="audit")
console = Console()

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
    uvloop.run(commands.run_one(service, host, port) if service else commands.run_all(host, port))


@app.command()
def demo() -> None:
    """Play the story on a fresh database over HTTP; exit 0 only if all came out as it must."""
    raise typer.Exit(uvloop.run(commands.play_story(console)))


@app.command()
def stop() -> None:
    """Stop the embedded servers of this data folder, also those a crash left behind."""
    for folder in (data_folder(), data_folder() / "demo"):
        if folder.exists():
            stop_embedded(folder)
    console.print("embedded servers stopped")


@app.command()
def token(
    client: Annotated[str, typer.Argument(help="a client of the demonstration, such as registrar")],
) -> None:
    """Print a fresh access token of a demonstration client, for use with curl."""
    print(commands.demonstration_token(client))  # noqa: T201  this is what it is for


@app.command()
def migrate() -> None:
    """Make database, roles and schemas, and bring them to their newest version."""
    asyncio.run(commands.migrate_all())


@app.command("check-migrations")
def check_migrations() -> None:
    """Fail if models and migrations differ, or if a migration cannot be undone."""
    raise typer.Exit(asyncio.run(commands.check_migrations(console)))


@app.command()
def contracts(
    check: Annotated[
        bool, typer.Option("--check", help="only compare with the committed files")
    ] = False,
) -> None:
    """Write the API document and the event document from the code."""
    raise typer.Exit(commands.write_contracts(console, check_only=check))


@app.command()
def matrix() -> None:
    """Print who may call which route, as the code enforces it."""
    commands.print_matrix(console)


@app.command()
def replay(case: Annotated[str, typer.Argument(help="the id of a case")]) -> None:
    """Recompute a decision from its frozen situation, and compare it byte for byte."""
    raise typer.Exit(asyncio.run(commands.replay_case(console, case)))


@events.command()
def republish(
    since: Annotated[str, typer.Option(help="RFC 3339 instant; everything when left out")] = "",
    service: Annotated[str, typer.Option(help="one service; all when left out")] = "",
) -> None:
    """Publish outbox rows again, to refill a broker that lost its store."""
    asyncio.run(commands.republish(console, service, since))


@events.command()
def restate(service: ServiceName) -> None:
    """Announce the current state of everything a service owns, for a newcomer."""
    asyncio.run(commands.restate(console, service))


@events.command()
def parked(
    service: ServiceName,
    retry: Annotated[bool, typer.Option("--retry", help="react to them again")] = False,
) -> None:
    """List the events that could not be reacted to, or try them again."""
    raise typer.Exit(asyncio.run(commands.parked(console, service, retry=retry)))


@audit.command()
def verify(
    checkpoints: Annotated[
        Path | None, typer.Option(help="folder of the exported checkpoints")
    ] = None,
) -> None:
    """Recompute every audit chain and name the first row that was tampered with."""
    raise typer.Exit(asyncio.run(commands.verify_audit(console, checkpoints)))
