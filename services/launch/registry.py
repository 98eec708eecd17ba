"""The services of this platform, in the order in which they start."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from services.kernel.service import Service
from services.launch.configuration import SERVICE_NAMES
from services.launch.modules import loading


class Services(Mapping[str, Service]):
    """Loads a service when it is asked for: a process that runs one loads no other."""

    def __getitem__(self, name: str) -> Service:
        if name not in SERVICE_NAMES:
            raise KeyError(name)
        return _load(name)

    def __contains__(self, name: object) -> bool:
        return name in SERVICE_NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(SERVICE_NAMES)

    def __len__(self) -> int:
        return len(SERVICE_NAMES)


@cache
def _load(name: str) -> Service:
    with loading():
        service: Service = import_module(f"services.{name}.service").SERVICE
    return service


SERVICES = Services()
