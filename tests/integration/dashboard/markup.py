"""HTML as tests look at it: elements with attributes and text, by the standard library's parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "hr", "img", "input", "link", "meta"})


@dataclass
class Element:
    """An element: its name, its attributes, and what is in it."""

    name: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text inside, with single spaces."""
        return " ".join("".join(part if isinstance(part, str) else f" {part.text} " for part in self.inside).split())

    def walk(self) -> Iterator[Element]:
        """This element and all inside it."""
        yield self
        for part in self.inside:
            if isinstance(part, Element):
                yield from part.walk()


class Markup(HTMLParser):
    """A parsed page. Elements that are closed in the wrong order, or never, are an error."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of <{tag}> is there twice"
        element = Element(tag, dict(attrs))
        self._open[-1].inside.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open[-1].inside.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"</{tag}> closes <{self._open[-1].name}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].inside.append(data)

    def all(self, name: str | None = None, /, **attributes: str) -> list[Element]:
        """The elements with that name and these attributes; `_` in an attribute's name stands for `-`."""
        wanted = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()}
        return [
            element
            for element in self.root.walk()
            if name in {None, element.name} and all(element.attributes.get(key) == v for key, v in wanted.items())
        ]

    def only(self, name: str | None = None, /, **attributes: str) -> Element:
        """The one such element."""
        (found,) = self.all(name, **attributes)
        return found


def parse(html: str) -> Markup:
    """The markup of a page or a fragment."""
    markup = Markup()
    markup.feed(html)
    markup.close()
    assert markup._open == [markup.root], f"<{markup._open[-1].name}> is not closed"
    return markup
