"""The account in the browser, without JavaScript: every page is looked at and every form is sent as a person would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.staticfiles import finders

from accounts.api_keys import SignedOut, granted_by_key, make_key
from accounts.key_text import parse_key
from accounts.models import ApiKey, Profile, Session, Subscription, TokenFamily, User
from accounts.sign_ins import active_sessions
from accounts.subscriptions import change_subscription
from cache_platform import SourceUnavailable
from cache_platform.testing import isolated_cache
from tests.integration.accounts.browser import Browser, described
from tests.integration.accounts.credentials import PASSWORD, new_user

pytestmark = pytest.mark.django_db
Queries = Callable[[int], AbstractContextManager[Any]]

PAGES = ["/accounts/", "/accounts/password/", "/accounts/sessions/", "/accounts/api-keys/"]
NEW_PASSWORD = "another horse 43 staple"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1"


@pytest.fixture(autouse=True)
def providers_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard is passed on the way in and out; its cards are not looked at here."""

    def away(*args: object, **kwargs: object) -> None:
        raise SourceUnavailable("a provider", "not in this test")

    for loader in (
        "weather.openmeteo.load_current",
        "weather.openmeteo.load_forecast",
        "news.providers.load_headlines",
    ):
        monkeypatch.setattr(loader, away)


@pytest.fixture
def user() -> User:
    """Somebody with an account."""
    return new_user(first_name="Ada", last_name="Lovelace", email="ada@example.invalid")


@pytest.fixture
def browser(user: User) -> Browser:
    """A browser in which `user` is signed in."""
    return Browser().sign_in(user)


class TestSigningIn:
    """The pages by which one comes and goes."""

    def test_the_form_signs_in_and_the_menu_says_so(self, user: User) -> None:
        """One goes on to the dashboard, whose top bar has the menu."""
        browser = Browser().get("/accounts/login/").send(username=user.username, password=PASSWORD)
        assert browser.address == "/"
        menu = browser.page.only("nav", aria_label="Account")
        assert "Ada" in menu.text
        links = [link.attributes["href"] for link in menu.walk() if link.name == "a"]
        assert links == ["/accounts/", "/assistant/", "/connectors/"]

    @pytest.mark.parametrize("address", PAGES)
    def test_strangers_are_led_back_after_signing_in(self, user: User, address: str) -> None:
        """The page that was asked for, and not another."""
        browser = Browser().get(address)
        assert browser.address == f"/accounts/login/?next={address}"
        browser.send(username=user.username, password=PASSWORD)
        assert (browser.address, browser.response.status_code) == (address, 200)

    def test_a_wrong_password_is_said_and_not_sent_back(self, user: User) -> None:
        """What is wrong is tied to both fields; the name stays, the password does not."""
        browser = Browser().get("/accounts/login/").send(username=user.username, password="wrong-horse")
        assert "Please enter a correct username and password" in described(browser, "id_username")
        assert "Please enter a correct username and password" in described(browser, "id_password")
        assert browser.page.only("title").text.startswith("Error: ")
        assert browser.page.only(id="id_username").attributes["value"] == user.username
        assert "wrong-horse" not in browser.html
        assert not browser.is_signed_in

    def test_nobody_learns_which_accounts_there_are(self, user: User) -> None:
        """A wrong password, an unknown name and a locked account are answered alike."""
        locked = new_user(is_active=False)
        names = (user.username, locked.username, "nobody-at-all")
        texts = [Browser().get("/accounts/login/").send(username=name, password="x").text for name in names]
        texts.append(Browser().sign_in(locked).text)
        assert len(set(texts)) == 1

    @pytest.mark.parametrize("target", ["", "/accounts/login/", "/accounts/logout/", "/admin/login/?next=/"])
    def test_who_is_signed_in_is_sent_on_and_not_round(self, browser: Browser, target: str) -> None:
        """Whatever `next` says."""
        browser.get(f"/accounts/login/?next={target}")
        assert (browser.address, browser.response.status_code) == ("/", 200)

    def test_signing_out_ends_the_session_itself(self, browser: Browser) -> None:
        """A copy of the cookie is worth nothing afterwards."""
        copy = browser.client.cookies["sessionid"].value
        browser.get("/")
        menu = next(element for element in browser.page.only(id="account-menu").walk() if element.name == "form")
        token = next(element.attributes["value"] for element in menu.walk() if element.name == "input")
        answer = browser.client.post(menu.attributes["action"], {"csrfmiddlewaretoken": token})
        assert (answer.status_code, answer["Location"]) == (302, "/")
        thief = Browser()
        thief.client.cookies["sessionid"] = copy
        assert not thief.is_signed_in
        assert not browser.is_signed_in

    def test_signing_out_takes_a_form(self, browser: Browser) -> None:
        """A picture on another site whose address is the sign-out page does nothing."""
        assert browser.client.get("/accounts/logout/").status_code == 405
        assert browser.is_signed_in

    def test_staff_find_the_administration(self) -> None:
        """Beside their account."""
        browser = Browser().sign_in(new_user(is_staff=True))
        menu = browser.page.only(id="account-menu")
        assert [link.attributes["href"] for link in menu.walk() if link.name == "a"] == [
            "/accounts/",
            "/assistant/",
            "/connectors/",
            "/admin/",
        ]


class TestOverview:
    """The profile and the subscription."""

    def test_it_shows_who_one_is_and_what_one_has(self, browser: Browser, user: User) -> None:
        """Name, address, plan, and the usage as bars with words."""
        change_subscription(user_id=user.pk, plan="pro")
        Subscription.objects.update(limits={"faxes": 2000}, usage={"faxes": 1999})
        browser.get("/accounts/")
        assert browser.page.only("h1").text == "Ada Lovelace"
        assert "ada@example.invalid" in browser.text
        assert "Pro Renews on" in browser.text
        bar = browser.page.only("progress", aria_labelledby="usage-faxes").attributes
        assert (bar["value"], bar["max"], bar["class"]) == ("1999", "2000", "near")
        assert browser.page.only(id="usage-faxes").text == "Faxes"
        assert "1,999 of 2,000" in browser.text

    def test_the_second_look_comes_from_the_cache(self, browser: Browser, django_assert_num_queries: Queries) -> None:
        """Each card says so, and the whole page asks no database: not for the session, not for the user."""
        with isolated_cache():
            assert "From the database, just now" in browser.get("/accounts/").text
            with django_assert_num_queries(0):
                browser.get("/accounts/")
        assert browser.text.count("From cache, 1 s old") == 2

    def test_a_changed_profile_shows_at_once(self, browser: Browser, user: User) -> None:
        """On the page that follows the form."""
        with isolated_cache():
            browser.get("/accounts/")
            browser.send("profile", display_name="Countess", avatar="https://example.org/ada.png")
        assert "Your profile is saved." in browser.page.only(class_="told").text
        assert browser.page.only("h1").text == "Countess"
        assert browser.page.only(id="id_avatar").attributes["value"] == "https://example.org/ada.png"
        stored = Profile.objects.get(user=user)
        assert (stored.display_name, stored.avatar) == ("Countess", "https://example.org/ada.png")

    def test_what_was_not_changed_is_not_stored(self, browser: Browser, user: User) -> None:
        """The name that stands in for an empty one does not become a chosen one."""
        browser.get("/accounts/").send("profile", avatar="https://example.org/ada.png")
        assert Profile.objects.get(user=user).display_name == ""

    @pytest.mark.parametrize("avatar", ["http://example.org/a.png", "javascript:alert(1)", "not an address"])
    def test_a_wrong_picture_is_said_beside_its_field(self, browser: Browser, avatar: str) -> None:
        """And the browser goes there; what was typed stays, nothing is stored."""
        browser.get("/accounts/").send("profile", display_name="Countess", avatar=avatar)
        assert "Enter an address that begins with https://." in described(browser, "id_avatar")
        assert "for apps that show your picture" in described(browser, "id_avatar")
        field = browser.page.only(id="id_avatar").attributes
        assert (field["value"], field["aria-invalid"], "autofocus" in field) == (avatar, "true", True)
        assert browser.page.only(id="id_display_name").attributes["value"] == "Countess"
        assert not Profile.objects.exists()

    def test_a_name_is_one_line_of_bounded_length(self, browser: Browser) -> None:
        """The model's rules hold for the form."""
        assert browser.get("/accounts/").page.only(id="id_display_name").attributes["maxlength"] == "80"
        browser.send("profile", display_name="x" * 81)
        assert "at most 80 characters" in described(browser, "id_display_name")
        browser.send("profile", display_name="two\u2028lines")
        assert "plain text" in described(browser, "id_display_name")

    def test_a_plan_is_chosen_cancelled_and_resumed(self, browser: Browser, user: User) -> None:
        """Each shows on the page that follows, and what can be done next is offered."""
        with isolated_cache():
            browser.get("/accounts/").send("plan", plan="team")
            assert "Team Renews on" in browser.text
            browser.send("cancel")
            assert "Cancelled Team Ends on" in browser.text
            browser.send("resume")
            assert "Active Team Renews on" in browser.text
        assert Subscription.objects.get(user=user).plan == "team"

    @pytest.mark.parametrize("fields", [{"do": "plan", "plan": "gold"}, {"do": "resume"}, {"do": "nothing"}, {}])
    def test_what_is_not_possible_changes_nothing(
        self, browser: Browser, user: User, fields: dict[str, str], settings: Any
    ) -> None:
        """A form that was not made by the page, or is too old, is told so."""
        change_subscription(user_id=user.pk, plan="pro")
        Subscription.objects.update(status="past_due")
        form = browser.get("/accounts/").form("plan")
        token = next(e.attributes["value"] for e in form.walk() if e.attributes.get("name") == "csrfmiddlewaretoken")
        answer = browser.client.post("/accounts/", {**fields, "csrfmiddlewaretoken": token}, follow=True)
        assert b"Nothing was changed." in answer.content
        stored = Subscription.objects.get(user=user)
        assert (stored.plan, stored.status) == ("pro", "past_due")


class TestPassword:
    """Changing it."""

    def test_this_browser_stays_and_all_else_ends(self, browser: Browser, user: User) -> None:
        """Other browsers, tokens and keys end; this browser goes on under another session key."""
        other = Browser(IPHONE).sign_in(user)
        _, key = make_key(user, name="a key", scopes=["read"])
        before = browser.client.cookies["sessionid"].value
        browser.get("/accounts/password/")
        browser.send(old_password=PASSWORD, new_password1=NEW_PASSWORD, new_password2=NEW_PASSWORD)
        assert browser.address == "/accounts/sessions/"
        assert "Your password is changed." in browser.text
        assert browser.client.cookies["sessionid"].value != before
        assert browser.is_signed_in
        assert not other.is_signed_in
        assert granted_by_key(key.known) is None
        (left,) = active_sessions(user)
        assert left.user_agent.endswith("Firefox/132.0")
        assert Browser().sign_in(user, NEW_PASSWORD).is_signed_in
        assert not Browser().sign_in(user).is_signed_in

    @pytest.mark.parametrize(
        ("fields", "field", "words"),
        [
            ({"old_password": "wrong-horse"}, "id_old_password", "Your old password was entered incorrectly"),
            ({"new_password2": "wrong-horse"}, "id_new_password2", "The two password fields"),
            ({"new_password1": "1234", "new_password2": "1234"}, "id_new_password2", "too short"),
            ({"new_password1": ""}, "id_new_password1", "required"),
        ],
    )
    def test_mistakes_are_said_beside_their_fields(
        self, browser: Browser, user: User, fields: dict[str, str], field: str, words: str
    ) -> None:
        """Nothing is changed, and no password is in the answer."""
        right = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        browser.get("/accounts/password/").send(**{**right, **fields})
        assert words in described(browser, field)
        assert [
            element.attributes.get("id") for element in browser.page.all() if "autofocus" in element.attributes
        ] == [field]
        for secret in (PASSWORD, NEW_PASSWORD, "wrong-horse"):
            assert secret not in browser.html
        user.refresh_from_db()
        assert user.check_password(PASSWORD)
        assert browser.is_signed_in


class TestSessions:
    """Where one is signed in."""

    def test_each_is_listed_and_this_one_is_marked(self, browser: Browser, user: User) -> None:
        """By browser, address and time; this one first, though the other was seen later, and without a button."""
        Browser(IPHONE).sign_in(user)
        browser.get("/accounts/sessions/")
        first, second = (row.text for row in browser.page.all("li") if "signed in" in row.text)
        assert first.startswith("Firefox on Linux This browser 127.0.0.1 · signed in")
        assert "Sign out" not in first
        assert second.startswith("Safari on iPhone 127.0.0.1 · signed in")
        assert "last seen just now" in second

    def test_one_of_them_is_ended(self, browser: Browser, user: User) -> None:
        """That browser is signed out, this one is not."""
        other = Browser(IPHONE).sign_in(user)
        browser.get("/accounts/sessions/").send("end")
        assert "That browser is signed out." in browser.text
        assert "Safari on iPhone" not in browser.text
        assert not other.is_signed_in
        assert browser.is_signed_in

    @pytest.mark.parametrize("whose", ["somebody", "nobody", "nonsense"])
    def test_only_ones_own_can_be_ended(self, browser: Browser, user: User, whose: str) -> None:
        """Another's session, one that is not there and nonsense are told alike."""
        stranger = Browser().sign_in(new_user())
        ids = {"somebody": Session.objects.exclude(user=user).get().pk, "nobody": "0" * 40, "nonsense": "'\0"}
        Browser(IPHONE).sign_in(user)
        browser.get("/accounts/sessions/").send("end", session=ids[whose])
        assert "That browser was signed out already." in browser.text
        assert stranger.is_signed_in
        assert Session.objects.filter(user=user).count() == 2

    def test_signing_out_everywhere_ends_all_sessions_and_tokens(self, browser: Browser, user: User) -> None:
        """This one too, as the page says; API keys go on, as it says too."""
        other = Browser(IPHONE).sign_in(user)
        tokens = other.client.post(
            "/api/auth/token", {"username": user.username, "password": PASSWORD}, "application/json"
        )
        bearer = {"authorization": f"Bearer {tokens.json()['access']}"}
        assert other.client.get("/api/profile", headers=bearer).status_code == 200
        _, key = make_key(user, name="a key", scopes=["read"])
        browser.get("/accounts/sessions/")
        assert "every session and every token, this browser" in browser.text
        browser.send("end-all")
        assert browser.address == "/accounts/login/"
        assert "You are signed out everywhere." in browser.text
        assert not browser.is_signed_in
        assert not other.is_signed_in
        assert Browser().client.get("/api/profile", headers=bearer).status_code == 401
        assert TokenFamily.objects.count() == 1
        assert granted_by_key(key.known) is not None


class TestApiKeys:
    """Keys for programs."""

    def test_a_new_key_is_shown_once_and_works(self, browser: Browser, user: User) -> None:
        """In the answer to the form, which nobody keeps; never on a page after it."""
        browser.get("/accounts/api-keys/").send("create", name="Backup", scopes=["read", "write"], lifetime="30")
        text = browser.page.only(id="new-key").text
        assert browser.response["Cache-Control"] == "no-store"
        assert "shown this once" in browser.text
        grant = granted_by_key(parse_key(text))
        assert grant.identity.id == user.pk
        assert set(grant.scopes) == {"read", "write"}
        assert grant.expires == pytest.approx((datetime.now(UTC) + timedelta(days=30)).timestamp(), abs=60)
        browser.get("/accounts/api-keys/")
        assert not browser.page.all(id="new-key")
        assert text not in browser.html
        assert f"{text[:14]}…" in browser.text

    def test_the_list_says_what_a_key_may_and_until_when(self, browser: Browser, user: User) -> None:
        """Name, scopes, last use and end; one that has expired says so."""
        now = datetime.now(UTC)
        make_key(user, name="Old", scopes=["read"], expires_at=now - timedelta(days=1))
        make_key(user, name="Lasting", scopes=["read", "write"])
        ApiKey.objects.filter(name="Lasting").update(last_used_at=now - timedelta(minutes=12, seconds=1))
        browser.get("/accounts/api-keys/")
        lasting, old = (row.text for row in browser.page.all("li") if "Revoke" in row.text)
        assert lasting.startswith("Lasting Read Write cpk_")
        assert "last used 12 min ago" in lasting
        assert "does not expire" in lasting
        assert old.startswith("Old Read Expired cpk_")
        assert "never used · expired" in old

    def test_the_same_form_sent_twice_makes_one_key(self, browser: Browser, user: User) -> None:
        """As it is when the page with the key is loaded again."""
        for _ in range(2):
            browser.get("/accounts/api-keys/").send("create", name="Backup")
        assert "You have a key with this name already." in described(browser, "id_name")
        assert ApiKey.objects.filter(user=user).count() == 1

    def test_a_key_needs_a_name_and_a_scope(self, browser: Browser) -> None:
        """What is missing is said beside its field, and the browser goes to the first."""
        browser.get("/accounts/api-keys/").send("create", name="", scopes=[])
        assert "This field is required." in described(browser, "id_name")
        group = browser.page.only("fieldset")
        assert browser.page.only(id=group.attributes["aria-describedby"]).text == "Choose at least one."
        assert "autofocus" in browser.page.only(id="id_name").attributes
        assert not ApiKey.objects.exists()

    def test_there_is_an_end_to_the_number_of_keys(
        self, browser: Browser, user: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The page says what to do."""
        monkeypatch.setattr("accounts.api_keys.MOST_KEYS", 1)
        make_key(user, name="first", scopes=["read"])
        browser.get("/accounts/api-keys/").send("create", name="second")
        assert "Revoke one first." in browser.page.only(id="form-problem").text
        assert ApiKey.objects.count() == 1

    def test_who_is_signed_out_meanwhile_gets_no_key(self, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        """But the sign-in page."""

        def signed_out(*args: object, **kwargs: object) -> None:
            Session.objects.all().delete()
            raise SignedOut

        monkeypatch.setattr("accounts.pages.api_keys.make_key", signed_out)
        browser.get("/accounts/api-keys/").send("create", name="Backup")
        assert browser.address == "/accounts/login/"

    def test_a_revoked_key_opens_nothing(self, browser: Browser, user: User) -> None:
        """And is not listed any more; revoking it again is told so."""
        _, key = make_key(user, name="Backup", scopes=["read"])
        browser.get("/accounts/api-keys/")
        copy = Browser()
        copy.client.cookies = browser.client.cookies
        copy.get("/accounts/api-keys/")
        browser.send("revoke")
        assert "The key is revoked." in browser.text
        assert "You have no keys." in browser.text
        assert granted_by_key(key.known) is None
        assert "That key was revoked already." in copy.send("revoke").text

    @pytest.mark.parametrize("key", ["", "0", "-1", "x", "٣", "9" * 18, "9" * 5000, "somebody's"])
    def test_only_ones_own_can_be_revoked(self, browser: Browser, user: User, key: str) -> None:
        """Another's key and nonsense are told alike."""
        row, others = make_key(new_user(), name="Backup", scopes=["read"])
        make_key(user, name="mine", scopes=["read"])
        browser.get("/accounts/api-keys/").send("revoke", key=str(row.pk) if key == "somebody's" else key)
        assert "That key was revoked already." in browser.text
        assert granted_by_key(others.known) is not None
        assert ApiKey.objects.filter(user=user, revoked_at=None).count() == 1


@pytest.mark.parametrize("address", ["/accounts/login/", *PAGES])
def test_the_pages_are_built_for_assistive_technology(user: User, address: str) -> None:
    """Title, landmarks, one first heading, unique ids, a label for each field, names for all that can be pressed."""
    browser = Browser()
    if address != "/accounts/login/":
        make_key(user, name="a key", scopes=["read"])
        browser.sign_in(user)
        Browser(IPHONE).sign_in(user)
    page = browser.get(address).page
    assert page.only("html").attributes["lang"] == "en"
    assert page.only("title").text.endswith("· Cache Platform")
    assert len(page.all("main")) == len(page.all("h1")) == 1
    ids = [element.attributes["id"] for element in page.root.walk() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for element in page.all("input") + page.all("select"):
        if element.attributes.get("type") != "hidden":
            attributes = element.attributes
            assert attributes.get("aria-label") or page.only("label", for_=str(attributes["id"])).text
    for element in page.root.walk():
        if element.name in {"a", "button", "summary", "legend", "label"}:
            assert element.text, element.attributes
        for name in ("aria-describedby", "aria-labelledby", "for", "popovertarget"):
            for target in (element.attributes.get(name) or "").split():
                assert target in ids
    names = [e.text for e in page.all("button") + page.all("summary") if "Sign out" in e.text or "Revoke" in e.text]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("address", PAGES)
def test_the_page_that_is_shown_is_marked_among_the_others(browser: Browser, address: str) -> None:
    """All pages are one click away from each other."""
    links = [
        link.attributes
        for link in browser.get(address).page.only("nav", aria_label="Account pages").walk()
        if link.name == "a"
    ]
    assert [link["href"] for link in links] == PAGES
    assert [link["href"] for link in links if link.get("aria-current") == "page"] == [address]


@pytest.mark.parametrize("address", ["/accounts/login/", *PAGES])
def test_every_asset_is_ours_and_there(user: User, address: str) -> None:
    """Nothing is asked from elsewhere, not even the picture of a profile."""
    browser = Browser()
    if address != "/accounts/login/":
        browser.sign_in(user).get("/accounts/").send("profile", avatar="https://example.org/ada.png")
    page = browser.get(address).page
    assets = [element.attributes["href"] for element in page.all("link")]
    assets += [element.attributes["src"] for element in page.all("script")]
    assert len(assets) == 3
    for asset in assets:
        assert finders.find((asset or "").removeprefix("/static/"))
    assert not page.all("img")


def test_the_script_comes_with_the_new_key_alone(browser: Browser) -> None:
    """Its button is hidden until the script shows it; without it the key is copied by hand."""
    browser.get("/accounts/api-keys/").send("create", name="Backup")
    (script,) = browser.page.all("script")
    assert script.attributes["src"] == "/static/js/account.js"
    assert finders.find("js/account.js")
    assert "hidden" in browser.page.only("button", data_copy="new-key").attributes
