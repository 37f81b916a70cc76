"""What runs the app can be read by Python 3.10, and takes nothing from a later standard library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "app.py", *sorted((ROOT / "twotower").rglob("*.py"))]
OLDEST = (3, 10)
LATER = {
    "typing": {"Self", "Never", "LiteralString", "Required", "NotRequired", "TypeVarTuple", "Unpack", "override"},
    "enum": {"StrEnum", "ReprEnum"},
    "datetime": {"UTC"},
    "contextlib": {"chdir"},
    "itertools": {"batched"},
}
LATER_MODULES = {"tomllib"}
LATER_BUILTINS = {"ExceptionGroup", "BaseExceptionGroup"}


def later_names(tree: ast.AST) -> list[str]:
    """What the tree takes from a standard library newer than 3.10's."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module in LATER_MODULES:
                found.append(node.module)
            found += [f"{node.module}.{name.name}" for name in node.names if name.name in LATER.get(node.module, ())]
        elif isinstance(node, ast.Import):
            found += [name.name for name in node.names if name.name in LATER_MODULES]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.attr in LATER.get(node.value.id, ()):
                found.append(f"{node.value.id}.{node.attr}")
        elif isinstance(node, ast.Name) and node.id in LATER_BUILTINS:
            found.append(node.id)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_is_python_3_10(path: Path) -> None:
    assert later_names(ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST)) == []


def test_later_grammar_is_noticed() -> None:
    text = "try:\n    f()\nexcept* OSError:\n    pass"
    ast.parse(text)
    with pytest.raises(SyntaxError):
        ast.parse(text, feature_version=OLDEST)


@pytest.mark.parametrize(
    "text", ["import tomllib", "from typing import Self", "import enum\nenum.StrEnum", "ExceptionGroup('', [])"]
)
def test_later_names_are_noticed(text: str) -> None:
    assert later_names(ast.parse(text))
