"""YAML as a plan may be written: no key twice, no fractions, no aliases, every line known."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from services.kernel.service import CannotStart
from services.policy.wording import Said
from services.rulebook import canonical_json
from services.rulebook.errors import pointer_to

KEY_TYPES = (str, int)
VALUE_TYPES = (str, int, bool, date, type(None))
NOTHING = Said()
NO_TEXT = Said("无法按文本读取", "not readable as text")
UTF_8 = Said("UTF-8文本，不含控制字符", "text in UTF-8 without control characters")
MAPPING = Said("名称与取值的对照", "a mapping of names to values")
WRITTEN_OUT = Said("逐一写出取值", "the values written out")
NO_KEY = Said("键既非名称也非年份", "a key that is no name and no year")
TWICE = Said("键重复", "a key that stands twice")
VALUES = Said(
    "文本、整数、true、false、null或YYYY-MM-DD",
    "text, a whole number, true, false, null or YYYY-MM-DD",
)
# The parser in C where the wheel has it; both read the same language.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Fault:
    """One fault of a file: where it stands, what is wrong and what would be accepted."""

    file: str
    line: int
    field: str
    found: Said
    allowed: Said = NOTHING

    def __str__(self) -> str:
        """Say it in one line, in English and then in Chinese."""
        zh = f"；允许：{self.allowed.zh}" if self.allowed.zh else ""
        en = f"; allowed: {self.allowed.en}" if self.allowed.en else ""
        said = f"{self.found.en}{en} | {self.found.zh}{zh}"
        return f"{self.file}:{self.line}: {self.field or '/'}: {said}"


class PlanInvalid(CannotStart):
    """The files of a plan contradict themselves or the language: the process does not start."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True)
class Document:
    """A file's content, and on which line each of its values begins."""

    file: str
    data: dict[str, Any]
    lines: dict[str, int]

    def fault(self, pointer: str, found: Said, allowed: Said = NOTHING) -> Fault:
        return Fault(self.file, self._line(pointer), pointer, found, allowed)

    def digest(self) -> str:
        """Hash what the file says; comments and layout do not count."""
        return hashlib.sha256(canonical_json(plain(self.data)).encode()).hexdigest()

    def _line(self, pointer: str) -> int:
        while pointer not in self.lines and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read_document(path: Path, root: Path) -> Document:
    """Read one file, or name the line that cannot be read."""
    file = path.relative_to(root).as_posix()
    try:
        node = yaml.compose(path.read_text("utf-8"), Loader=LOADER)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise PlanInvalid([Fault(file, line, "", NO_TEXT, UTF_8)]) from None
    except yaml.reader.ReaderError as error:
        line = path.read_text("utf-8")[: error.position].count("\n") + 1
        raise PlanInvalid([Fault(file, line, "", NO_TEXT, UTF_8)]) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        found = Said("无法按YAML解析", f"not readable as YAML: {error.problem}")
        raise PlanInvalid([Fault(file, line, "", found, Said("YAML", "YAML"))]) from None
    reader = _Reader(file)
    data = reader.value(node, "") if node is not None else None
    if not isinstance(data, dict):
        raise PlanInvalid([Fault(file, 1, "", Said("不是名称与取值的对照", "no mapping"), MAPPING)])
    if reader.faults:
        raise PlanInvalid(reader.faults)
    return Document(file, data, reader.lines)


def plain(value: Any) -> Any:
    """Give the value with days as text and keys as text, as JSON has them."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[str, int] = {}
        self.faults: list[Fault] = []
        self._constructor = yaml.constructor.SafeConstructor()
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, pointer: str) -> Any:
        self.lines[pointer] = node.start_mark.line + 1
        if id(node) in self._seen:
            self._fault(node, pointer, Said("使用了别名", "an alias"), WRITTEN_OUT)
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return [self.value(item, pointer + pointer_to(index)) for index, item in items]
        return self._scalar(node, pointer)

    def _mapping(self, node: yaml.MappingNode, pointer: str) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node, pointer)
            if type(key) not in KEY_TYPES:
                self._fault(key_node, pointer, NO_KEY, Said("名称", "a name"))
                continue
            if key in result:
                self._fault(key_node, pointer + pointer_to(key), TWICE)
            result[key] = self.value(value_node, pointer + pointer_to(key))
            self.lines[pointer + pointer_to(key)] = key_node.start_mark.line + 1
        return result

    def _scalar(self, node: yaml.Node, pointer: str) -> Any:
        try:
            value = self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            value = ...
        if not isinstance(value, VALUE_TYPES) or isinstance(value, datetime):
            self._fault(node, pointer, Said("取值类型不符", "a value of another kind"), VALUES)
            return None
        return value

    def _fault(self, node: yaml.Node, pointer: str, found: Said, allowed: Said = NOTHING) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, pointer, found, allowed))
