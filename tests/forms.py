"""The forms of a page as a browser would send them if nobody typed anything."""

from html.parser import HTMLParser
from typing import Any

Boxes = dict[str, list[str]]


class Forms(HTMLParser):
    """The boxes of each form that is posted, by the form's id or, where it has none,
    its action.
    """

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.boxes: dict[str, Boxes] = {}
        self.pressed: dict[str, str] = {}
        self._form: Boxes | None = None
        self._list = self._text = ""
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name, value = found.get("name", ""), found.get("value", "")
        if tag == "form":
            is_posted = found.get("method", "").lower() == "post"
            self._form = (
                self.boxes.setdefault(found.get("id") or found.get("action", ""), {})
                if is_posted
                else None
            )
        elif self._form is None:
            return
        elif tag == "input" and name:
            self.read_input(found, name, value)
        elif tag == "select":
            self._list = name
        elif tag == "option" and self._list and "selected" in found:
            self._form.setdefault(self._list, []).append(value)
        elif tag == "textarea":
            self._text = name
            self._form[name] = [""]

    def read_input(self, found: dict[str, str], name: str, value: str) -> None:
        kind = found.get("type", "text")
        if self._form is None or kind in ("submit", "button", "file") or "disabled" in found:
            return
        if kind in ("checkbox", "radio"):
            if "checked" not in found:
                return
            value = value or "on"
        self._form.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._list = ""
        elif tag == "textarea":
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._text:
            self._form[self._text][0] += (
                data.removeprefix("\n") if not self._form[self._text][0] else data
            )
