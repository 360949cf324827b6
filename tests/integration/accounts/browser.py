"""A browser without JavaScript, with the site's CSRF protection on: it follows links, fills in forms and sends them."""

from __future__ import annotations

from typing import Any

from django.http.response import HttpResponseBase
from django.test import Client

from tests.integration.accounts.credentials import PASSWORD
from tests.integration.dashboard.markup import Element, Markup, parse

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"


class Browser:
    """One browser. `response`, `html` and `page` are what it shows; redirects are followed."""

    def __init__(self, user_agent: str = FIREFOX) -> None:
        self.client = Client(enforce_csrf_checks=True, headers={"user-agent": user_agent})
        self.client.raise_request_exception = False
        self.address = ""

    def get(self, address: str) -> Browser:
        """Go to an address."""
        return self._show(self.client.get(address, follow=True), address)

    def send(self, do: str | None = None, /, **fields: Any) -> Browser:
        """Send the form whose `do` it is, or the only one of <main>, with `fields` filled in; lists are boxes to tick.
        Each has to be there."""
        form = self.form(do)
        values = values_of(form)
        for name, value in fields.items():
            assert any(element.attributes.get("name") == name for element in form.walk()), name
            values[name] = value
        assert form.attributes["method"] == "post"
        address = form.attributes.get("action") or self.address
        return self._show(self.client.post(address, values, follow=True), address)

    def sign_in(self, user: Any, password: str = PASSWORD) -> Browser:
        """Sign in by the form, and go on to the account."""
        return self.get("/accounts/login/?next=/accounts/").send(username=user.username, password=password)

    def form(self, do: str | None = None) -> Element:
        """The first form that does `do`, or the only one of <main>."""
        forms = [element for element in self.page.only("main").walk() if element.name == "form"]
        if do is None:
            (form,) = forms
            return form
        return next(form for form in forms if values_of(form).get("do") == do)

    @property
    def text(self) -> str:
        """What <main> says."""
        return self.page.only("main").text

    @property
    def is_signed_in(self) -> bool:
        """Whether the next request is somebody's."""
        return self.client.get("/accounts/").status_code == 200

    def _show(self, response: Any, address: str) -> Browser:
        self.address = response.redirect_chain[-1][0] if response.redirect_chain else address
        self.response: HttpResponseBase = response
        self.html = (response.getvalue() if response.streaming else response.content).decode()
        self.page: Markup = parse(self.html)
        return self


def values_of(form: Element) -> dict[str, Any]:
    """What a browser sends of a form that nobody has touched."""
    values: dict[str, Any] = {}
    for element in form.walk():
        name = element.attributes.get("name")
        if name is None:
            continue
        if element.name == "select":
            options = [inner for inner in element.walk() if inner.name == "option"]
            chosen = [option for option in options if "selected" in option.attributes] or options
            values[name] = chosen[0].attributes["value"]
        elif element.attributes.get("type") == "checkbox":
            if "checked" in element.attributes:
                values.setdefault(name, []).append(element.attributes.get("value") or "on")
        elif element.name == "input":
            values[name] = element.attributes.get("value") or ""
    return values


def described(browser: Browser, field: str) -> str:
    """What assistive technology reads out about a field: the texts that its aria-describedby refers to."""
    ids = browser.page.only(id=field).attributes.get("aria-describedby") or ""
    return " ".join(browser.page.only(id=name).text for name in ids.split())
