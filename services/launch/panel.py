"""What `make run` says once it serves: where to look and how to call it."""

from rich.console import Console
from rich.panel import Panel

from services.kernel.settings import Settings
from services.launch.credentials import FILE_NAME


def print_panel(console: Console, base_url: str, settings: Settings) -> None:
    """Print address, documents, credentials and one working call, in Chinese and English."""
    path = settings.data / FILE_NAME
    read = f"python3 -c \"import json;c=json.load(open('{path}'))['clients']['registrar'];print(c['client_id']+':'+c['client_secret'])\""
    lines = [
        "[bold]两新 Liangxin 已就绪 · ready[/bold]   演示数据均为合成数据 · all demonstration data are synthetic",
        "",
        f"接口地址 · API          {base_url}",
        f"接口文档 · documents    {base_url}/docs · {base_url}/openapi.json · {base_url}/asyncapi.json",
        f"演示凭据 · credentials  {path}",
        "停止 · stop             Ctrl+C",
    ]
    console.print(Panel("\n".join(lines), border_style="green"))
    console.print("试一试 · try it:", style="bold")
    console.print(
        f'TOKEN=$(curl -s -u "$({read})" -d grant_type=client_credentials {base_url}/oauth2/token'
        " | python3 -c \"import json,sys;print(json.load(sys.stdin)['access_token'])\")",
        soft_wrap=True,
        markup=False,
    )
    console.print(
        f"curl -s -H \"Authorization: Bearer $TOKEN\" '{base_url}/v1/enterprise/firms?limit=3'",
        soft_wrap=True,
        markup=False,
    )
