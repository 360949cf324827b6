"""The chat page without JavaScript: asking, failing, trying again, and everything that it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant import llm
from assistant.conversations import append, begin
from assistant.documents import add_document
from assistant.llm import NO_ANSWER
from assistant.models import Conversation, Message, Persona
from assistant.pages import asking
from assistant.places import Places
from assistant.preferences import choose
from tests.integration.accounts.browser import Browser, described, values_of
from tests.integration.accounts.credentials import new_user
from tests.integration.assistant.callers import caller
from tests.integration.assistant.talkers import CHAT, Model, marks, messages, talks
from tests.integration.dashboard.test_security import ATTACK, check_markup
from tests.services.waiting import wait_until


@pytest.fixture
def model() -> Iterator[Model]:
    """The model that the site asks in this test."""
    found = Model()
    with llm.source.through(found.transport()):
        yield found


@pytest.fixture
def user() -> Any:
    """Somebody."""
    return new_user(first_name="Ada")


@pytest.fixture
def browser(user: Any) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user)


def talk_of(user: Any, *said: str, title: str = "Talk", persona: int | None = None) -> Conversation:
    """A conversation in which `said` was said in turns, a question first."""
    talk = begin(user.pk, persona_id=persona, title=title)
    for number, each in enumerate(said):
        append(talk, role="assistant" if number % 2 else "user", content=each)
    return talk


def at(talk: Conversation) -> str:
    """The conversation's address."""
    return f"{CHAT}{talk.pk}/"


def test_a_question_is_answered_in_a_conversation_of_its_own(model: Model, browser: Browser, user: Any) -> None:
    """Sending it leads to the conversation, at its last message; asking on goes on there."""
    browser.get(CHAT).send("ask", message="Why?")
    talk = Conversation.objects.get(user=user)
    assert browser.address == f"{at(talk)}#last"
    assert browser.page.only("h1").text == "Why?"
    assert messages(browser) == [("You", "Why?"), ("Assistant", "answer 1")]
    assert browser.page.only(id="last").text.startswith("Assistant just now answer 1 ")
    browser.send("ask", message=" And\nthen? ")
    assert messages(browser)[2:] == [("You", "And then?"), ("Assistant", "answer 2")]
    assert model.said == [("user", "Why?"), ("assistant", "answer 1"), ("user", "And\nthen?")]
    assert talks(browser) == [("Why?", at(talk))]
    assert browser.page.only("a", aria_current="page", href=at(talk))


def test_an_answer_from_the_cache_says_what_it_saved(model: Model, browser: Browser) -> None:
    """The mark, and the totals below."""
    browser.get(CHAT).send("ask", message="Why?")
    assert marks(browser) == []
    assert "110 tokens paid, 0 saved by the cache" in browser.text
    browser.get(CHAT).send("ask", message="Why?")
    assert marks(browser) == ["From cache , 110 tokens saved"]
    assert "110 tokens paid, 110 saved by the cache ($0.0002)" in browser.text
    assert len(model.asked) == 1


def test_an_answer_that_was_cut_off_says_so(model: Model, browser: Browser) -> None:
    """As the model stopped before its end."""
    model.finish_reason = "length"
    browser.get(CHAT).send("ask", message="Why?")
    assert marks(browser) == ["Cut off: the model stopped before its end"]


def limit_chat(settings: Any, limit: str) -> None:
    """So many questions, in this test."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "chat": limit}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}


def test_a_failed_question_is_kept_and_tried_again(model: Model, browser: Browser, user: Any, settings: Any) -> None:
    """The page says why, and its button asks the same once more: it is kept once."""
    limit_chat(settings, "1000/60s")
    model.is_broken = True
    browser.get(CHAT).send("ask", message="Why?\nReally?")
    assert browser.response.status_code == 200
    assert "The assistant does not answer at the moment. Try again in" in browser.text
    assert messages(browser) == [("You", "Why? Really?")]
    browser.send("again")
    assert messages(browser) == [("You", "Why? Really?")]
    assert "There is no answer to this yet." in browser.get(browser.address).text
    model.is_broken = False
    wait_until(lambda: len(messages(browser.send("again"))) == 2, what="the model is asked again")
    assert messages(browser)[1] == ("Assistant", model.answered)
    assert model.said == [("user", "Why?\nReally?")]
    assert Message.objects.filter(conversation__user=user).count() == 2
    assert not [form for form in browser.page.all("form") if values_of(form).get("do") == "again"]


def test_a_question_without_an_answer_is_told(model: Model, browser: Browser) -> None:
    """On the page, and as a 422 over REST: waiting would not help."""
    model.answer = None
    browser.get(CHAT).send("ask", message="Why?")
    assert browser.response.status_code == 200
    assert NO_ANSWER in browser.text
    token = {"X-CSRFToken": browser.client.cookies["csrftoken"].value}
    answer = browser.client.post("/api/chat", {"message": "Who?"}, content_type="application/json", headers=token)
    assert (answer.status_code, answer.json()["detail"]) == (422, NO_ANSWER)
    assert "Retry-After" not in answer


def test_trying_again_what_is_answered_asks_nothing(model: Model, browser: Browser, user: Any) -> None:
    """As in a second tab, whose page is older."""
    talk = talk_of(user, "Why?")
    browser.get(at(talk))
    append(talk, role="assistant", content="So.")
    browser.send("again")
    assert messages(browser) == [("You", "Why?"), ("Assistant", "So.")]
    assert model.asked == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "This field may not be blank."),
        (" \n ", "This field may not be blank."),
        ("x" * 4001, "Ensure this field has no more than 4000 characters."),
        ("a\x1bb", "must be text, without control characters"),
    ],
)
def test_a_wrong_question_is_shown_again(model: Model, browser: Browser, user: Any, text: str, problem: str) -> None:
    """With what is wrong with it, and with what was chosen; the rules are those of the API."""
    persona = Persona.objects.create(name="Poet", created_by=user)
    browser.get(CHAT).send("ask", message=text, persona=str(persona.pk))
    assert browser.response.status_code == 400
    assert problem in described(browser, "message")
    assert browser.page.only(id="message").inside in ([f"\n{text}"], ["\n"])
    assert values_of(browser.form("ask"))["persona"] == str(persona.pk)
    assert browser.page.only("title").text.startswith("Error: ")
    assert model.asked == []
    assert not Conversation.objects.exists()


def test_line_ends_of_forms_do_not_count(model: Model, browser: Browser) -> None:
    """Browsers send two letters for each; a question of 4,000 is one."""
    text = "é\n" * 1999 + "é?"
    browser.get(CHAT).send("ask", message=text.replace("\n", "\r\n"))
    assert model.said == [("user", text)]


def test_page_and_api_share_one_limit(model: Model, browser: Browser, user: Any, settings: Any) -> None:
    """What was typed is still there, and the page says how long to wait."""
    limit_chat(settings, "2/60s")
    api = caller(user=user)
    assert api.send("POST", "chat", {"message": "One?"}).status_code == 200
    browser.get(CHAT).send("ask", message="Two?")
    browser.send("ask", message="Three?")
    assert browser.response.status_code == 429
    assert 0 < int(browser.response["Retry-After"]) <= 60
    assert "Too many questions. Try again in" in described(browser, "message")
    assert browser.page.only(id="message").text == "Three?"
    assert api.send("POST", "chat", {"message": "Four?"}).status_code == 429
    talk = talk_of(user, "Why?")
    browser.get(at(talk)).send("again")
    assert browser.response.status_code == 429
    assert len(model.asked) == 2


def test_without_a_place_the_question_is_shown_again(
    model: Model, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After; nothing was kept."""
    full = Places(1)
    full.take(0)
    monkeypatch.setattr(asking, "places", full)
    browser.get(CHAT).send("ask", message="Why?")
    assert (browser.response.status_code, browser.response["Retry-After"]) == (503, "2")
    assert browser.page.only(id="message").text == "Why?"
    assert "Too many questions are under way" in described(browser, "message")
    assert not Conversation.objects.exists()
    assert model.asked == []


def test_places_are_given_back(model: Model, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an answer, and after a failure."""
    monkeypatch.setattr(asking, "places", Places(1))
    browser.get(CHAT).send("ask", message="Why?")
    model.is_broken = True
    browser.send("ask", message="Why not?")
    browser.send("ask", message="Who?")
    assert "Too many" not in browser.text


def test_a_new_conversation_has_the_persona_that_one_chooses(model: Model, browser: Browser, user: Any) -> None:
    """Of one's own and the system-wide ones that are active; the preference's stands there first, and one that the
    address names before it."""
    shared = Persona.objects.create(name="Helper", system_prompt="Help.")
    own = Persona.objects.create(name="Poet", system_prompt="Rhyme.", created_by=user)
    Persona.objects.create(name="Off", is_active=False, created_by=user)
    Persona.objects.create(name="Theirs", created_by=new_user())
    browser.get(CHAT)
    options = {each.attributes["value"]: each.text for each in browser.page.all("option")}
    assert options == {"": "None", str(own.pk): "Poet", str(shared.pk): "Helper"}
    assert values_of(browser.form("ask"))["persona"] == ""
    choose(user.pk, persona_id=shared.pk)
    assert values_of(browser.get(CHAT).form("ask"))["persona"] == str(shared.pk)
    assert "None" not in [each.text for each in browser.page.all("option")]
    assert values_of(browser.get(f"{CHAT}?persona={own.pk}").form("ask"))["persona"] == str(own.pk)
    assert values_of(browser.get(f"{CHAT}?persona=x").form("ask"))["persona"] == str(shared.pk)
    browser.get(CHAT).send("ask", message="Why?", persona=str(own.pk))
    assert messages(browser) == [("You", "Why?"), ("Poet", "answer 1")]
    assert "with Poet" in browser.text
    assert model.said[0] == ("system", "Rhyme.")


def test_personas_of_others_are_not_offered_to_staff(browser: Browser) -> None:
    """They may look at them, on the personas' page."""
    Persona.objects.create(name="Theirs", created_by=new_user())
    staff = Browser().sign_in(new_user(is_staff=True)).get(CHAT)
    assert [each.text for each in staff.page.all("option")] == ["None"]


def test_a_persona_that_went_meanwhile_is_told(model: Model, browser: Browser, user: Any) -> None:
    """What was typed is still there."""
    persona = Persona.objects.create(name="Poet", created_by=user)
    for change in (lambda: Persona.objects.update(is_active=False), lambda: Persona.objects.all().delete()):
        Persona.objects.update(is_active=True)
        browser.get(CHAT)
        change()
        browser.send("ask", message="Why?", persona=str(persona.pk))
        assert browser.response.status_code == 400
        assert "cannot be used any more" in browser.text
        assert browser.page.only(id="message").text == "Why?"
    assert model.asked == []


def test_documents_go_along_as_one_wishes(model: Model, browser: Browser, user: Any) -> None:
    """As the preference says at first; what is ticked for one question stays ticked, or not, for the next."""
    assert "Add documents" in browser.get(CHAT).text
    add_document(user.pk, name="notes.txt", text="Bridges hang.")
    browser.get(CHAT)
    assert "Use my 1 document" in browser.text
    assert "documents" not in values_of(browser.form("ask"))
    browser.send("ask", message="Why?", documents=["1"])
    assert "\nBridges hang.\n" in model.said[0][1]
    assert values_of(browser.form("ask"))["documents"] == ["1"]
    choose(user.pk, use_documents=True)
    assert values_of(browser.get(CHAT).form("ask"))["documents"] == ["1"]
    browser.send("ask", message="Who?", documents=[])
    assert model.said == [("user", "Who?")]
    assert "documents" not in values_of(browser.form("ask"))
    model.is_broken = True
    browser.send("ask", message="When?")
    assert values_of(browser.form("again"))["documents"] == "0"


def test_a_conversation_is_deleted_with_confirmation(browser: Browser, user: Any) -> None:
    """The second time, as in another tab, says so too."""
    talk, other = talk_of(user, "Why?", title="Gone"), Browser()
    other.sign_in(user).get(at(talk))
    browser.get(at(talk))
    assert browser.page.only(id="chat-delete").name == "details"
    browser.send("delete")
    assert browser.address == CHAT
    assert "The conversation is deleted." in browser.text
    assert talks(browser) == []
    assert not Message.objects.exists()
    other.send("delete")
    assert other.response.status_code == 404


def test_what_is_anothers_is_not_there(model: Model, browser: Browser) -> None:
    """To look at, to ask in, or to delete; nor what is nowhere."""
    talk = talk_of(new_user(), "Their secret")
    for address in (at(talk), f"{CHAT}{10**9}/", f"{CHAT}{10**30}/"):
        assert browser.get(address).response.status_code == 404
        assert "secret" not in browser.html
        for do in ("ask", "again", "delete"):
            browser.get(CHAT)
            token = values_of(browser.form("ask"))["csrfmiddlewaretoken"]
            sent = {"do": do, "message": "Why?", "csrfmiddlewaretoken": token}
            assert browser.client.post(address, sent).status_code == 404
    assert Message.objects.get().content == "Their secret"
    assert model.asked == []


def test_long_lists_have_pages(browser: Browser, user: Any) -> None:
    """Conversations, and the messages of one: the newest first, and the way to the others and back."""
    many = [talk_of(user, title=f"Talk {number}") for number in range(21)]
    long = talk_of(user, *(f"said {number}" for number in range(45)), title="Long")
    browser.get(at(long))
    assert [text for _, text in messages(browser)] == [f"said {number}" for number in range(25, 45)]
    assert [title for title, _ in talks(browser)][:2] == ["Long", "Talk 20"]
    browser.get(f"{at(long)}?earlier=3")
    assert [text for _, text in messages(browser)] == [f"said {number}" for number in range(5)]
    assert browser.page.only("a", href=at(long), class_="button").text == "To the newest messages"
    assert not [form for form in browser.page.all("form") if values_of(form).get("do") == "ask"]
    older = next(each for each in browser.get(CHAT).page.all("a") if each.text == "Older")
    browser.get(older.attributes["href"] or "")
    assert [title for title, _ in talks(browser)] == ["Talk 1", "Talk 0"]
    assert many[0].pk in [int(address.strip("/").split("/")[1]) for _, address in talks(browser)]
    for wrong in ("older=0", "older=x", "older=1001"):
        assert browser.get(f"{CHAT}?{wrong}").response.status_code == 404
    for wrong in ("earlier=0", "earlier=x"):
        assert browser.get(f"{at(long)}?{wrong}").response.status_code == 404


def test_the_page_says_where_it_came_from(browser: Browser, user: Any) -> None:
    """From the database, then from the cache; a message supersedes it."""
    talk = talk_of(user, "Why?")
    assert "From the database, just now" in browser.get(at(talk)).text
    assert "From cache," in browser.get(at(talk)).text
    append(talk, role="assistant", content="So.")
    assert "From the database, just now" in browser.get(at(talk)).text


def test_what_people_and_models_write_is_text(model: Model, browser: Browser, user: Any) -> None:
    """In messages, titles, names and what is shown again; no page has code inside."""
    model.answer = ATTACK
    Persona.objects.create(name=ATTACK[:80], description=ATTACK, created_by=user)
    check_markup(browser.get(CHAT))  # type: ignore[arg-type]
    browser.send("ask", message=ATTACK)
    check_markup(browser)  # type: ignore[arg-type]
    assert messages(browser) == [("You", ATTACK), ("Assistant", ATTACK)]
    assert browser.page.only("h1").text == ATTACK
    browser.send("ask", message=ATTACK + "\x1b")
    check_markup(browser)  # type: ignore[arg-type]
    assert browser.page.only(id="message").text.startswith(ATTACK)


def test_the_menu_leads_to_the_assistant(browser: Browser) -> None:
    """From every page."""
    assert browser.get("/accounts/").page.only("a", href=CHAT).text == "Assistant"
    browser.get(CHAT)
    assert "Your conversations will be listed here." in browser.page.only(id="talks").text
    assert "What would you like to know?" in browser.text


def test_a_form_that_is_none_changes_nothing(model: Model, browser: Browser) -> None:
    """It says so."""
    browser.get(CHAT)
    token = values_of(browser.form("ask"))["csrfmiddlewaretoken"]
    answer = browser.client.post(CHAT, {"do": "x", "csrfmiddlewaretoken": token}, follow=True)
    assert "The form was not understood" in answer.content.decode()
    assert model.asked == []
    for do in ("again", "delete"):
        assert browser.client.post(CHAT, {"do": do, "csrfmiddlewaretoken": token}).status_code == 404
