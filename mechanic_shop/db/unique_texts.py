"""For migrations: the keys of texts that were unique by another rule before."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

from mechanic_shop.inputs import text_key

if TYPE_CHECKING:
    from django.apps.registry import Apps

log = logging.getLogger("shop.upgrade")


def fill(app: str, **texts: str) -> RunPython:
    """Write the ``unique_key`` of every row; ``texts`` name the text of each model.

    Of two texts that are one by now, the later one gets a number: an upgrade does not
    stop for them.
    """

    def run(apps: "Apps", schema_editor: BaseDatabaseSchemaEditor) -> None:
        for model, name in texts.items():
            write_keys(apps.get_model(app, model), name)

    return RunPython(run, RunPython.noop)


def write_keys(model: Any, name: str) -> None:
    rows, longest = model._base_manager, model._meta.get_field(name).max_length
    texts = list(rows.order_by("pk").values_list("pk", name))
    used = set(map(text_key, (text for _, text in texts)))
    seen: set[str] = set()
    for pk, text in texts:
        if text_key(text) in seen:
            old, text = text, another(text, longest, used.__contains__)
            log.warning(
                "a text was numbered",
                extra={"kind": model._meta.label, "row_id": pk, "old": old, "new": text},
            )
        key = text_key(text)
        seen.add(key)
        used.add(key)
        rows.filter(pk=pk).update(**{name: text, "unique_key": key})


def another(text: str, longest: int, is_used: Callable[[str], bool]) -> str:
    """The text with the first number behind it that makes it one of its own."""
    number = 2
    while is_used(text_key(candidate := f"{text[: longest - len(f' ({number})')]} ({number})")):
        number += 1
    return candidate
