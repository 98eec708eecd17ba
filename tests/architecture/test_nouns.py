"""A noun holds the seven files and no other, so that who knows one noun knows them all."""

from pathlib import Path

import pytest

from tests.architecture.source import REPOSITORY

SEVEN = ("rules", "models", "schemas", "access", "queries", "actions", "routes")
# `actions.py` becomes a folder, one verb a file, when it grows too long.
IN_A_NOUN = {f"{name}.py" for name in SEVEN} | {"__init__.py", "__pycache__", "actions"}
WITHOUT_NOUNS = {"kernel", "rulebook", "launch", "__pycache__"}
NOT_NOUNS = {
    "contract": "what others may rely on",
    "migrations": "the schema's history",
    "codes": "official code lists, plain data",
    "__pycache__": "compiled files",
}


def nouns(root: Path) -> list[Path]:
    """Return the folders of nouns: those of a service that hold Python."""
    return [
        noun
        for service in sorted((root / "services").iterdir())
        if service.is_dir() and service.name not in WITHOUT_NOUNS
        for noun in sorted(service.iterdir())
        if noun.is_dir() and noun.name not in NOT_NOUNS and list(noun.glob("*.py"))
    ]


def strangers(noun: Path) -> list[str]:
    """Return the files of a noun that are not of the seven; data that it reads may lie beside."""
    inside = (path for path in noun.iterdir() if path.suffix == ".py" or path.is_dir())
    return sorted(
        f"{noun.name}/{path.name}"
        for path in inside
        if path.name not in IN_A_NOUN and (path.suffix == ".py" or holds_python(path))
    )


def holds_python(folder: Path) -> bool:
    return any(folder.rglob("*.py"))


def test_nouns_hold_the_seven() -> None:
    found = nouns(REPOSITORY)

    assert found
    assert [stranger for noun in found for stranger in strangers(noun)] == []


@pytest.mark.parametrize("stranger", ["helpers.py", "services.py", "utils/text.py"])
def test_an_eighth_file_is_found(tmp_path: Path, stranger: str) -> None:
    noun = tmp_path / "services" / "policy" / "cases"
    (noun / stranger).parent.mkdir(parents=True)
    (noun / "rules.py").touch()
    (noun / stranger).touch()

    (found,) = nouns(tmp_path)
    assert strangers(found) == [f"cases/{Path(stranger).parts[0]}"]
