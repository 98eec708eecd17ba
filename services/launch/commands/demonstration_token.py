"""A token of the running demonstration, for use with curl."""

import httpx
import orjson

from services.launch.configuration import CREDENTIALS_FILE, data_folder


def demonstration_token(client: str) -> str:
    """Ask the running demonstration for a token, as the credentials file says."""
    path = data_folder() / CREDENTIALS_FILE
    if not path.exists():
        raise SystemExit(f"{path} is not there: start the demonstration with `make run` first")
    document = orjson.loads(path.read_bytes())
    if client not in document["clients"]:
        raise SystemExit(f"there is no client {client}: choose {', '.join(document['clients'])}")
    entry = document["clients"][client]
    form = {
        "grant_type": "client_credentials",
        "client_id": entry["client_id"],
        "client_secret": entry["client_secret"],
    }
    answer = httpx.post(f"{document['base_url']}/oauth2/token", data=form, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])
