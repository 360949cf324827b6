"""The personas' pages without JavaScript: every form is sent as a person would, and each write is seen at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from pytest_django import DjangoAssertNumQueries

from assistant import personas
from assistant.models import Persona, Preference
from assistant.models.persona import LONGEST_NAME, LONGEST_PROMPT
from assistant.preferences import choose
from tests.integration.accounts.browser import Browser, described
from tests.integration.accounts.credentials import new_user
from tests.integration.assistant.browsing import PERSONAS, address, cards, limited, persona
from tests.integration.assistant.callers import caller
from tests.integration.dashboard.conftest import Visit
from tests.integration.dashboard.test_security import ATTACK, check_markup

PAGE = PERSONAS


@pytest.fixture
def user() -> Any:
    """Somebody with an account."""
    return new_user()


@pytest.fixture
def browser(user: Any) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user).get(PAGE)


class TestTheList:
    """What one sees, and how it is found."""

    def test_it_has_ones_own_and_the_system_wide_ones(self, browser: Browser, user: Any) -> None:
        """With what each is and what one may do with it; nothing of anybody else's."""
        persona(user, "Mine", description="Rhymes")
        persona(user, "Old", is_active=False)
        persona(None, "Helper")
        persona(new_user(), "Secret")
        found = cards(browser.get(PAGE))
        assert list(found) == ["Helper", "Mine", "Old"]
        assert "Secret" not in browser.html
        assert ("System" in found["Helper"].text, "Edit" in found["Helper"].text) == (True, False)
        assert all(word in found["Mine"].text for word in ("Yours", "Rhymes", "Edit", "Delete", "Start a chat"))
        assert ("Inactive" in found["Old"].text, "Start a chat" in found["Old"].text) == (True, False)
        link = f"/assistant/?persona={Persona.objects.get(name='Mine').pk}"
        assert link in [each.attributes.get("href") for each in found["Mine"].walk()]

    def test_it_says_what_to_do_first(self, browser: Browser) -> None:
        """Where there is none."""
        assert "No personas yet" in browser.text

    def test_it_is_searched_and_filtered(self, browser: Browser, user: Any) -> None:
        """As the API does it; the form keeps what was asked for."""
        persona(user, "Poet")
        persona(user, "Judge", is_active=False)
        assert list(cards(browser.get(f"{PAGE}?q=POE"))) == ["Poet"]
        assert browser.page.only(id="persona-q").attributes["value"] == "POE"
        assert list(cards(browser.get(f"{PAGE}?active=false"))) == ["Judge"]
        assert "No persona is like that" in browser.get(f"{PAGE}?q=zzz").text

    def test_a_query_that_is_not_allowed_is_told(self, browser: Browser) -> None:
        """400, with the page around it."""
        assert browser.get(f"{PAGE}?active=maybe&page=0").response.status_code == 400
        assert "Must be true or false." in browser.text
        assert browser.page.only("title").text.startswith("Error: ")

    def test_it_has_pages_that_keep_the_search(self, browser: Browser, user: Any) -> None:
        """Twenty on each; what is beyond the last one leads back."""
        Persona.objects.bulk_create(Persona(name=f"P{number:02}", created_by=user) for number in range(41))
        browser.get(f"{PAGE}?q=p&page=2")
        ways = {each.text: each.attributes["href"] for each in browser.page.all("a") if each.attributes.get("rel")}
        assert ways == {"Previous": "?q=p&page=1", "Next": "?q=p&page=3"}
        assert list(cards(browser.get(f"{PAGE}{ways['Next']}"))) == ["P40"]
        assert "The list ends before this page" in browser.get(f"{PAGE}?page=9").text
        assert "?page=3" in browser.html

    def test_searches_share_the_limit_of_the_api(self, browser: Browser, user: Any, settings: Any) -> None:
        """One budget; a refused one says when, keeps the words, and leaves the rest of the page. Lists are free."""
        limited(settings, search="2/60s")
        assert caller(user=user).get("personas", q="x").status_code == 200
        assert browser.get(f"{PAGE}?q=x").response.status_code == 200
        assert browser.get(f"{PAGE}?q=poet").response.status_code == 429
        seconds = int(browser.response["Retry-After"])
        assert 0 < seconds <= 60
        assert f"Too many searches. Try again in {seconds} second" in browser.text
        assert browser.page.only(id="persona-q").attributes["value"] == "poet"
        assert caller(user=user).get("personas", q="x").status_code == 429
        assert browser.get(PAGE).response.status_code == 200

    def test_a_warm_page_asks_no_database(
        self, browser: Browser, user: Any, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """It says that it came from the cache."""
        persona(user)
        browser.get(PAGE)
        with django_assert_num_queries(0):
            browser.get(PAGE)
        assert "From cache" in browser.text

    def test_staff_change_what_they_may(self, browser: Browser, user: Any) -> None:
        """The system-wide ones with the permission; others' they only look at."""
        persona(None, "Helper")
        others = persona(new_user(), "Secret")
        user.is_staff = True
        user.save()
        assert "Edit" not in cards(browser.get(PAGE))["Helper"].text
        user.user_permissions.add(Permission.objects.get(codename="change_persona"))
        found = cards(browser.get(PAGE))
        assert ("Edit" in found["Helper"].text, "Delete" in found["Helper"].text) == (True, False)
        assert ("Edit" in found["Secret"].text, "Another's" in found["Secret"].text) == (False, True)
        helper = Persona.objects.get(name="Helper")
        browser.get(address(helper)).send("change", description="For all", system_prompt="")
        assert Persona.objects.get(pk=helper.pk).description == "For all"
        assert browser.get(address(others)).response.status_code == 200


class TestMakingOne:
    """The form below the list."""

    def test_it_is_there_at_once(self, browser: Browser, user: Any) -> None:
        """Its page is shown, and the list has it; line ends are as they were typed."""
        browser.send("create", name="  Poet ", description="Rhymes", system_prompt=" Rhyme.\r\nAlways.\r\n")
        made = Persona.objects.get(created_by=user)
        assert browser.address == address(made)
        assert (made.name, made.description, made.is_active) == ("Poet", "Rhymes", True)
        assert made.system_prompt == " Rhyme.\nAlways.\n"
        assert "“Poet” is made." in browser.text
        assert list(cards(browser.get(PAGE))) == ["Poet"]

    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ({"name": " "}, "id_name", "This field is required."),
            ({"name": "n" * (LONGEST_NAME + 1)}, "id_name", f"no more than {LONGEST_NAME} characters"),
            ({"name": "a\tb"}, "id_name", "Must be plain text in one line."),
            ({"system_prompt": "x" * (LONGEST_PROMPT + 1)}, "id_system_prompt", f"no more than {LONGEST_PROMPT}"),
            ({"system_prompt": "a\0b"}, "id_system_prompt", "null characters are not allowed"),
            ({"system_prompt": "a\x07b"}, "id_system_prompt", "Must be text, without control characters."),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(
        self, browser: Browser, fields: dict[str, str], field: str, words: str
    ) -> None:
        """400; nothing is kept, and nothing that was typed is lost."""
        browser.send("create", **{"name": "Poet", "description": "Rhymes", "system_prompt": "Hi", **fields})
        assert browser.response.status_code == 400
        assert words.lower() in described(browser, field).lower()
        assert browser.page.only("title").text.startswith("Error: ")
        assert browser.page.only(id="id_description").attributes["value"] == "Rhymes"
        assert not Persona.objects.exists()

    def test_lines_count_once(self, browser: Browser) -> None:
        """A browser sends two characters for each line end, and counts one."""
        browser.send("create", name="Poet", system_prompt="x\r\n" * (LONGEST_PROMPT // 2))
        assert browser.response.status_code == 200
        assert len(Persona.objects.get().system_prompt) == LONGEST_PROMPT

    def test_a_name_that_is_taken_is_said(self, browser: Browser, user: Any) -> None:
        """Pressing twice makes one."""
        persona(user, "Poet")
        browser.send("create", name="Poet", system_prompt="Hi")
        assert browser.response.status_code == 400
        assert "You have a persona of that name already." in described(browser, "id_name")
        assert Persona.objects.count() == 1

    def test_there_are_as_many_as_may_be(self, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        """409 on the page of the form, until one is deleted."""
        monkeypatch.setattr(personas, "MOST_PERSONAS", 1)
        browser.send("create", name="One", system_prompt="")
        browser.get(PAGE).send("create", name="Two", system_prompt="Stay")
        assert browser.response.status_code == 409
        assert "You have 1 personas; delete one first." in browser.text
        assert browser.page.only(id="id_name").attributes["value"] == "Two"
        assert browser.page.only(id="id_system_prompt").text == "Stay"
        browser.get(PAGE).send("delete")
        assert browser.send("create", name="Two", system_prompt="").response.status_code == 200


class TestOne:
    """A persona's page."""

    def test_a_change_is_a_new_version(self, browser: Browser, user: Any) -> None:
        """The page tells which; what changes nothing makes none."""
        mine = persona(user, "Poet", system_prompt="Rhyme.")
        browser.get(address(mine))
        assert "This is version 1." in browser.text
        assert browser.page.only(id="id_system_prompt").text == "Rhyme."
        browser.send("change", name="Bard", system_prompt="Sing.")
        assert "Kept as version 2." in browser.text
        browser.send("change", system_prompt="Sing.")
        assert "Nothing was changed." in browser.text
        mine.refresh_from_db()
        assert (mine.name, mine.system_prompt, mine.version, mine.is_active) == ("Bard", "Sing.", 2, True)
        browser.send("change", system_prompt="Sing.", is_active=[])
        assert "Inactive" in browser.text
        assert "Inactive" in cards(browser.get(PAGE))["Bard"].text

    def test_what_is_wrong_with_a_change_is_said(self, browser: Browser, user: Any) -> None:
        """400, with what was typed; the persona is as it was."""
        persona(user, "Taken")
        mine = persona(user, "Poet")
        for name, words in (("", "This field is required."), ("Taken", "You have a persona of that name already.")):
            browser.get(address(mine)).send("change", name=name, system_prompt="Sing.")
            assert browser.response.status_code == 400
            assert words in described(browser, "id_name")
            assert browser.page.only(id="id_system_prompt").text == "Sing."
        mine.refresh_from_db()
        assert (mine.name, mine.version) == ("Poet", 1)

    def test_a_system_wide_one_is_shown_and_not_changed(self, browser: Browser) -> None:
        """Its instructions too, as the API shows them; a form that was made up is refused."""
        helper = persona(None, "Helper", system_prompt="Be brief.")
        browser.get(address(helper))
        assert "Be brief." in browser.text
        token = browser.page.all("input", name="csrfmiddlewaretoken")[0].attributes["value"]
        for do in ("change", "delete"):
            sent = {"do": do, "name": "Mallory", "csrfmiddlewaretoken": token}
            answer = browser.client.post(address(helper), sent, follow=True)
            assert "You may look at this persona, and not change it." in answer.content.decode()
        helper.refresh_from_db()
        assert helper.name == "Helper"

    @pytest.mark.parametrize("do", [None, "change", "default"])
    def test_anothers_is_as_one_that_is_not_there(self, browser: Browser, do: str | None) -> None:
        """404, for what is looked at and for what is sent."""
        theirs = persona(new_user(), "Secret")
        token = browser.page.all("input", name="csrfmiddlewaretoken")[0].attributes["value"]
        for where in (address(theirs), f"{PAGE}999999/", f"{PAGE}{10**30}/"):
            sent = {"do": do, "name": "Mine", "csrfmiddlewaretoken": token}
            answer = browser.client.get(where) if do is None else browser.client.post(where, sent)
            assert answer.status_code == 404
            assert "Secret" not in answer.content.decode()
        theirs.refresh_from_db()
        assert (theirs.name, Preference.objects.count()) == ("Secret", 0)

    def test_it_is_deleted_once(self, browser: Browser, user: Any) -> None:
        """Who presses twice is told; anybody else's stays, and is not told of."""
        mine, theirs = persona(user, "Poet"), persona(new_user(), "Secret")
        choose(user.pk, persona_id=mine.pk)
        browser.get(address(mine)).send("delete")
        assert browser.address == PAGE
        assert "The persona is deleted." in browser.text
        assert "No personas yet" in browser.text
        token = browser.page.all("input", name="csrfmiddlewaretoken")[0].attributes["value"]
        for gone in (mine, theirs):
            sent = {"do": "delete", "csrfmiddlewaretoken": token}
            answer = browser.client.post(address(gone), sent, follow=True)
            assert "That persona is not there any more." in answer.content.decode()
        assert [each.name for each in Persona.objects.all()] == ["Secret"]

    def test_a_form_leads_back_to_the_list_as_it_was(self, browser: Browser, user: Any) -> None:
        """With its search and its page, and with nothing that somebody made up."""
        persona(user, "Poet")
        browser.get(f"{PAGE}?q=poet&active=true&x=y").send("default")
        assert browser.address == f"{PAGE}?q=poet&active=true"
        browser.send("delete", back="//evil.example/?q=a\r\nX: y")
        assert browser.address.startswith(PAGE)
        assert "X" not in browser.response.headers


def test_what_people_write_stays_text(browser: Browser, user: Any) -> None:
    """On both pages, and where it is searched for."""
    mine = persona(user, ATTACK, description=ATTACK, system_prompt=ATTACK)
    helper = persona(None, ATTACK, system_prompt=ATTACK)
    for where in (PAGE, f"{PAGE}?q={ATTACK}&active=<script>", address(mine), address(helper)):
        browser.get(where)
        check_markup(Visit(browser.response, browser.html))
        assert "<script>alert" not in browser.html
