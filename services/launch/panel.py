"""What `make run` says once it serves: where to look and how to call it."""

import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from services.kernel.settings import Settings
from services.launch.configuration import CREDENTIALS_FILE


def print_panel(console: Console, base_url: str, settings: Settings) -> None:
    """Print address, documents, credentials and one working call, in Chinese and English."""
    path = settings.data / CREDENTIALS_FILE
    lines = [
        "[bold]两新 Liangxin 已就绪 · ready[/bold]",
        "演示数据均为合成数据 · all demonstration data are synthetic",
        "",
        f"接口 · API           {base_url}",
        f"文档 · documents     {base_url}/docs",
        f"                     {base_url}/openapi.json · {base_url}/asyncapi.json",
        f"凭据 · credentials   {path}",
        "停止 · stop          Ctrl+C",
    ]
    console.print(Panel("\n".join(lines), border_style="green"))
    console.print("试一试 · try it:", style="bold")
    command = Path(sys.argv[0])
    _print_as_is(console, f"TOKEN=$({command} token registrar)")
    call = f"curl -s -H \"Authorization: Bearer $TOKEN\" '{base_url}/v1/enterprise/firms?limit=3'"
    _print_as_is(console, call)


def _print_as_is(console: Console, line: str) -> None:
    console.print(line, soft_wrap=True, markup=False, highlight=False)
