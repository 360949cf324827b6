"""What one wants of the assistant, by the form on the personas' page."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models import Persona, Preference
from assistant.preferences import choose
from tests.integration.accounts.browser import Browser
from tests.integration.accounts.credentials import new_user
from tests.integration.assistant.browsing import PERSONAS, cards, persona


@pytest.fixture
def user() -> Any:
    """Somebody with an account."""
    return new_user()


@pytest.fixture
def browser(user: Any) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user).get(PERSONAS)


def test_a_persona_is_used_by_default_and_the_rest_stays(browser: Browser, user: Any) -> None:
    """The temperature and the documents."""
    choose(user.pk, temperature=1.25, use_documents=True)
    mine = persona(user, "Poet")
    browser.get(PERSONAS).send("default")
    assert "New conversations begin with “Poet”." in browser.text
    assert "Default" in cards(browser)["Poet"].text
    kept = Preference.objects.get(user=user)
    assert (kept.persona_id, kept.temperature, kept.use_documents) == (mine.pk, 1.25, True)


def test_all_of_it_is_set_by_the_form(browser: Browser, user: Any) -> None:
    """What is sent untouched is as it was."""
    mine = persona(user, "Poet")
    browser.get(PERSONAS).send("preference", persona_id=str(mine.pk), temperature="0.3", use_documents=["on"])
    assert "New conversations begin with this." in browser.text
    for _ in range(2):
        kept = Preference.objects.get(user=user)
        assert (kept.persona_id, kept.temperature, kept.use_documents) == (mine.pk, 0.3, True)
        browser.send("preference")
    browser.send("preference", persona_id="", use_documents=[])
    kept.refresh_from_db()
    assert (kept.persona_id, kept.temperature, kept.use_documents) == (None, 0.3, False)


@pytest.mark.parametrize("temperature", ["-0.1", "2.1", "nan", "inf", "", "warm"])
def test_a_temperature_that_is_none_is_refused(browser: Browser, temperature: str) -> None:
    """400, at its field."""
    browser.send("preference", temperature=temperature)
    assert browser.response.status_code == 400
    assert browser.page.only(id="id_wanted_temperature").attributes["aria-invalid"] == "true"
    assert not Preference.objects.exists()


def test_a_persona_that_one_does_not_see_cannot_be_chosen(browser: Browser) -> None:
    """It is not among the choices."""
    theirs = persona(new_user(), "Secret")
    for number in (str(theirs.pk), "999999", "x", "9" * 40):
        assert browser.get(PERSONAS).send("preference", persona_id=number).response.status_code == 400
    assert not Preference.objects.exists()


def test_the_choices_are_ones_own_and_the_system_wide_ones(browser: Browser, user: Any) -> None:
    """All of them, on however many pages the list is; an inactive one where it is chosen already."""
    Persona.objects.bulk_create(Persona(name=f"P{number:02}", created_by=user) for number in range(25))
    persona(None, "Helper")
    old = persona(user, "Old", is_active=False)
    choose(user.pk, persona_id=old.pk)
    options = [
        each for each in browser.get(PERSONAS).page.only(id="id_wanted_persona_id").walk() if each.name == "option"
    ]
    assert len(options) == 1 + 25 + 1 + 1
    assert [each.text for each in options if "selected" in each.attributes] == ["Old"]
    assert "Helper" in [each.text for each in options]
