"""What a page of HTML holds, for tests."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit


class Page(HTMLParser):
    """The addresses of a page, its forms by the id of the form or of the tab around it,
    and whatever is inline.
    """

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.inline: list[str] = []
        self.forms: dict[str, dict[str, str]] = {}
        self.raw: dict[str, str] = {}
        self.links: list[str] = []
        self.csrf_token = ""
        self._place = self._script = self._textarea = ""
        self.text = response.content.decode()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.inline += [
            f"<{tag} {name}>" for name in found if name == "style" or name.startswith("on")
        ]
        self.inline += ["<style>"] if tag == "style" else []
        self.addresses += [
            found[name] for name in ("src", "href", "action", "data-schema") if found.get(name)
        ]
        if tag == "a":
            self.links.append(found.get("href", ""))
        if tag in ("div", "form", "li") and found.get("id"):
            self._place = found["id"]
        if tag == "script" and "src" not in found and found.get("type") != "application/json":
            self.inline.append("<script>")
        if tag in ("input", "textarea", "select") and found.get("name"):
            self.forms.setdefault(self._place, {})[found["name"]] = found.get("value", "")
            self.csrf_token = (
                found["value"] if found["name"] == "csrfmiddlewaretoken" else self.csrf_token
            )
            self._textarea = found["name"] if tag == "textarea" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.forms[self._place][self._textarea] += data.removeprefix("\n")

    @property
    def outside(self) -> list[str]:
        """Addresses on another host."""
        return [
            address
            for address in self.addresses
            if urlsplit(address).netloc not in ("", "testserver")
        ]

    def fields(self, form: str) -> set[str]:
        """What a form asks for."""
        return set(self.forms.get(form, ())) - {
            "csrfmiddlewaretoken",
            "form_key",
            "_content_type",
            "_content",
        }
