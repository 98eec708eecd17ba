"""What the story is told on: a console, a caller, the city, and the checks that must hold."""

from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from services.kernel.settings import Settings
from services.launch.caller import Caller
from services.launch.city.model import City


@dataclass
class Stage:
    """Prints each act, and remembers what came out otherwise than it must."""

    console: Console
    caller: Caller
    city: City
    settings: Settings
    checks: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])

    def act(self, zh: str, en: str) -> None:
        self.console.rule(f"[bold]{zh}[/bold] · {en}", align="left")

    def table(self, *headings: str) -> Table:
        table = Table(show_lines=False, header_style="bold")
        for heading in headings:
            table.add_column(heading, overflow="fold")
        return table

    def check_holds(self, sentence: str, holds: object) -> None:
        """Check something that must simply be so."""
        self.check(sentence, bool(holds), wanted=True)

    def check(self, sentence: str, got: Any, wanted: Any) -> None:
        """Check one outcome of the story; a wrong one is shown and makes the whole run fail."""
        holds = got == wanted
        self.checks.append((sentence, holds))
        mark = "[green]✓[/green]" if holds else "[red]✗[/red]"
        rest = "" if holds else f" — got {got!r}, must be {wanted!r}"
        self.console.print(f"  {mark} {sentence}{rest}", highlight=False)

    @property
    def failures(self) -> int:
        return sum(not holds for _, holds in self.checks)
