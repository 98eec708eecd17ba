"""Reading YAML that comes with the program or with a city's configuration."""

from typing import Any

import yaml

# libyaml's loader, where it was built in: it takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse_yaml(text: str) -> Any:
    """Parse plain data; tags that would make objects are refused."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506  a safe loader, chosen above
