"""What the readers of a plan's files share: the files read so far, the bureaus, every fault."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from services.policy.plan.actions.read_document import (
    NOTHING,
    Document,
    Fault,
    PlanInvalid,
    read_document,
)
from services.policy.plan.rules import Department
from services.policy.wording import Said, hint, one_of
from services.rulebook import Issue
from services.rulebook.errors import pointer_to
from services.rulebook.shapes import issue_of

FileT = TypeVar("FileT", bound=BaseModel)


class Reading:
    """Reads files once and collects faults, so that an author sees all of them together."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []
        self.departments: dict[str, Department] = {}
        self._documents: dict[Path, Document] = {}
        self._shapes: dict[tuple[str, type[BaseModel]], BaseModel | None] = {}

    def read(self, path: Path) -> Document:
        if path not in self._documents:
            self._documents[path] = read_document(path, self.root)
        return self._documents[path]

    def shape(self, document: Document, shape: type[FileT]) -> FileT:
        """Read a file's content as the given shape, or refuse it at once."""
        found = self.try_shape(document, shape)
        if found is None:
            raise PlanInvalid(self.faults)
        return found

    def try_shape(self, document: Document, shape: type[FileT]) -> FileT | None:
        """Read a file's content as the given shape; None where its faults are collected."""
        key = (document.file, shape)
        if key not in self._shapes:
            self._shapes[key] = self._shape(document, shape)
        found = self._shapes[key]
        return found if isinstance(found, shape) else None

    def _shape(self, document: Document, shape: type[FileT]) -> FileT | None:
        try:
            return shape.model_validate(document.data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            ways: dict[str, list[tuple[Said, Said]]] = {}
            for each in details:
                pointer = pointer_to(*_steps_of(document.data, each["loc"]))
                ways.setdefault(pointer, []).append(told(issue_of(each, "", shape)))
            for pointer, said in ways.items():
                self.fault(document, pointer, said[0][0], _either(way for _, way in said))
            return None

    def fault(self, document: Document, pointer: str, found: Said, allowed: Said = NOTHING) -> None:
        self.faults.append(document.fault(pointer, found, allowed))

    def raise_faults(self) -> None:
        if self.faults:
            raise PlanInvalid(self.faults)

    def department(self, document: Document, pointer: str, code: str) -> Department:
        if code not in self.departments:
            found = Said(f"{code}不是已列明的部门", f"{code} is no bureau")
            self.fault(document, pointer, found, one_of(self.departments))
        return self.departments.get(code, Department(code, code))

    def support(
        self, document: Document, pointer: str, codes: Iterable[str]
    ) -> tuple[Department, ...]:
        return tuple(
            self.department(document, f"{pointer}/{index}", code)
            for index, code in enumerate(codes)
        )


def told(issue: Issue) -> tuple[Said, Said]:
    """Word what the language found for the author of a file, who may read what was written."""
    what = issue.found or issue.expression
    within = issue.expression if issue.found and issue.expression != issue.found else ""
    zh = f"{issue.detail}：{what}" if what else issue.detail
    en = f"{issue.detail_en}: {what}" if what else issue.detail_en
    if within:
        zh, en = f"{zh}，见表达式`{within}`", f"{en}, in `{within}`"
    return Said(zh, en), hint(issue.allowed)


def _steps_of(data: Any, location: Sequence[int | str]) -> Iterator[int | str]:
    """Follow a finding into what was written; which of several shapes was tried is left out."""
    here = data
    for index, step in enumerate(location):
        if isinstance(here, dict):
            named = cast("dict[Any, Any]", here)
            if step not in named and index < len(location) - 1:
                continue
            here = named.get(step)
        elif isinstance(here, list) and isinstance(step, int):
            here = cast("list[Any]", here)[step]
        else:
            continue
        yield step


def _either(ways: Iterable[Said]) -> Said:
    """Say what would be accepted where there are several ways."""
    stated = list(dict.fromkeys(ways))
    return Said("；或".join(each.zh for each in stated), "; or ".join(each.en for each in stated))
