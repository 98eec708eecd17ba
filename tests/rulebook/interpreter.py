"""A second reading of the language, as plain as can be, to hold the compiled one against.

It walks small trees of its own (tuples), and shares no code with the rulebook.
"""

from fractions import Fraction
from typing import Any

Tree = tuple[Any, ...]
World = dict[Any, Any]
COMPARISONS = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def sql(tree: Tree) -> str:  # noqa: C901, PLR0911, PLR0912 (one case for each word)
    """Write a tree in the language."""
    word, *parts = tree
    match word:
        case "lit" | "fact":
            return str(parts[0])
        case "param":
            return f":{parts[0]}"
        case "prior" | "sum_years" | "avg_years":
            return f"{word}({parts[0]}, {parts[1]})"
        case "holds" | "on_list" | "once_ever" | "grade":
            return f"{word}('{parts[0]}')"
        case "not":
            return f"NOT ({sql(parts[0])})"
        case "null":
            return f"{sql(parts[0])} IS NULL"
        case "in":
            return f"{sql(parts[0])} IN ({', '.join(sql(option) for option in parts[1])})"
        case "between":
            subject, low, high = (sql(part) for part in parts)
            return f"({subject}) BETWEEN ({low}) AND ({high})"
        case "case":
            condition, value, otherwise = (sql(part) for part in parts)
            return f"CASE WHEN {condition} THEN {value} ELSE {otherwise} END"
        case "LEAST" | "GREATEST" | "FLOOR":
            return f"{word}({', '.join(sql(part) for part in parts)})"
        case _:
            return f" {word} ".join(f"({sql(part)})" for part in parts)


def value(tree: Tree, world: World) -> Any:  # noqa: C901, PLR0911, PLR0912 (one case a word)
    """Compute a tree in three values; `world` maps ("fact", year) and the rest by name."""
    word, *parts = tree
    match word:
        case "lit":
            return Fraction(parts[0]) if parts[0][0] not in "'TF" else _literal(parts[0])
        case "fact":
            return world[parts[0], 0]
        case "param" | "holds" | "on_list" | "grade":
            return world[word, parts[0]]
        case "once_ever":
            return world["history"] is None or parts[0] not in world["history"]
        case "prior":
            return world[parts[0], parts[1]]
        case "sum_years" | "avg_years":
            known = [world[parts[0], back] for back in range(parts[1])]
            if any(number is None for number in known):
                return None
            return Fraction(sum(known), parts[1] if word == "avg_years" else 1)
        case "null":
            return value(parts[0], world) is None
        case "case":
            condition, then, otherwise = (value(part, world) for part in parts)
            if condition is None:
                return then if then == otherwise else None
            return then if condition else otherwise
        case "AND":
            known = [value(part, world) for part in parts]
            return False if False in known else None if None in known else True
        case "OR":
            known = [value(part, world) for part in parts]
            return True if True in known else None if None in known else False
        case "between":
            subject, low, high = parts
            return value(("AND", (">=", subject, low), ("<=", subject, high)), world)
        case "in":
            return value(("OR", *(("=", parts[0], option) for option in parts[1])), world)
        case _:
            known = [value(part, world) for part in parts]
            return None if None in known else _strict(word, known)


def _literal(text: str) -> Any:
    return {"TRUE": True, "FALSE": False}.get(text, text.strip("'"))


def _strict(word: str, known: list[Any]) -> Any:  # noqa: PLR0911 (one case for each word)
    match word:
        case "not":
            return not known[0]
        case "+":
            return known[0] + known[1]
        case "-":
            return known[0] - known[1]
        case "*":
            return known[0] * known[1]
        case "/":
            return None if known[1] == 0 else Fraction(known[0]) / Fraction(known[1])
        case "LEAST":
            return min(known)
        case "GREATEST":
            return max(known)
        case "FLOOR":
            return Fraction(known[0].__floor__())
        case _:
            return COMPARISONS[word](known[0], known[1])
