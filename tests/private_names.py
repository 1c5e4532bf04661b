"""Private names of other libraries in the shop's code, found by reading it."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("mechanic_shop", "customers", "mechanics", "inventory", "tickets")
# in the documentation of Django or Python, whatever their names begin with
DOCUMENTED = {"_meta", "_default_manager", "_base_manager", "_state", "_db", "_replace"}
BY_TEXT = {"getattr", "hasattr", "setattr", "delattr", "get", "pop", "setdefault"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED | {"_"}


def is_ours(module: str) -> bool:
    return module.partition(".")[0] in PACKAGES


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def private_names() -> set[tuple[str, str]]:
    """{(name, path below the root)}."""
    return {
        (name, str(path.relative_to(ROOT)))
        for path in sources()
        for name in foreign_names(path.read_text(), module_of(path))
    }


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def foreign_names(source: str, module: str) -> set[str]:
    """The private names that this source uses and that the shop does not define."""
    tree = ast.parse(source)
    overridden = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for name in private_methods(node)
        if is_inherited(module, node.name, name)
    }
    return overridden | {name for name in used(tree) if name not in defined(tree)}


def private_methods(node: ast.ClassDef) -> Iterator[str]:
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and is_private(each.name):
            yield each.name


def is_inherited(module: str, owner: str, name: str) -> bool:
    """Does another library define this name for the class, or for one that inherits
    from it?
    """
    found: Any = getattr(importlib.import_module(module), owner)
    families = [found, *found.__subclasses__()]
    return any(
        name in vars(base) and not is_ours(base.__module__)
        for member in families
        for base in member.__mro__
    )


def used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom) and not node.level and not is_ours(str(node.module)):
            names = [*str(node.module).split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Call) and function_name(node) in BY_TEXT:
            texts = (each.value for each in node.args if isinstance(each, ast.Constant))
            names = [text for text in texts if isinstance(text, str) and text.isidentifier()]
        else:
            names = []
        yield from filter(is_private, names)


def function_name(call: ast.Call) -> str:
    return getattr(call.func, "attr", None) or getattr(call.func, "id", "")


def defined(tree: ast.AST) -> set[str]:
    """Names that the source gives to its own functions, classes and attributes."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {
                getattr(target, "attr", getattr(target, "id", ""))
                for target in targets
                if isinstance(target, ast.Name)
                or (isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self")
            }
    return names
