"""What the readers of a plan's files share: the files read so far, the bureaus, every fault."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.policy.plan.actions.read_document import Document, Fault, PlanInvalid, read_document
from services.policy.plan.rules import Department
from services.rulebook.errors import pointer_to

FileT = TypeVar("FileT", bound=BaseModel)


class Reading:
    """Reads files once and collects faults, so that an author sees all of them together."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.faults: list[Fault] = []
        self.departments: dict[str, Department] = {}
        self._documents: dict[Path, Document] = {}

    def read(self, path: Path) -> Document:
        if path not in self._documents:
            self._documents[path] = read_document(path, self.root)
        return self._documents[path]

    def shape(self, document: Document, shape: type[FileT]) -> FileT:
        """Read a file's content as the given shape, or refuse it at once."""
        try:
            return shape.model_validate(document.data)
        except ValidationError as error:
            raise PlanInvalid(
                [
                    document.fault(pointer_to(*each["loc"]), each["msg"], _allowed(shape, each))
                    for each in error.errors(include_url=False, include_input=False)
                ]
            ) from None

    def fault(self, document: Document, pointer: str, found: str, allowed: str = "") -> None:
        self.faults.append(document.fault(pointer, found, allowed))

    def raise_faults(self) -> None:
        if self.faults:
            raise PlanInvalid(self.faults)

    def department(self, document: Document, pointer: str, code: str) -> Department:
        if code not in self.departments:
            self.fault(document, pointer, f"{code} is no bureau", " ".join(self.departments))
        return self.departments.get(code, Department(code, code))

    def support(
        self, document: Document, pointer: str, codes: Iterable[str]
    ) -> tuple[Department, ...]:
        return tuple(
            self.department(document, f"{pointer}/{index}", code)
            for index, code in enumerate(codes)
        )


def _allowed(shape: type[BaseModel], error: Any) -> str:
    context = error.get("ctx") or {}
    if "expected" in context:
        return str(context["expected"])
    if error["type"] == "extra_forbidden" and len(error["loc"]) == 1:
        return " ".join(shape.model_fields)
    return ""
