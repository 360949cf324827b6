"""Over HTTP, each provider answers in its own wire format."""

from __future__ import annotations

import re

import pytest

BERLIN = {"latitude": "52.52", "longitude": "13.41"}
CURRENT = (
    "temperature_2m,relative_humidity_2m,apparent_temperature,is_day,precipitation,weather_code,cloud_cover,"
    "pressure_msl,wind_speed_10m,wind_direction_10m,wind_gusts_10m"
)
HOURLY = "temperature_2m,precipitation_probability,precipitation,weather_code,wind_speed_10m"
DAILY = (
    "weather_code,temperature_2m_max,temperature_2m_min,sunrise,sunset,precipitation_sum,"
    "precipitation_probability_max,wind_speed_10m_max,uv_index_max"
)
KEY = {"X-Api-Key": "demo"}
ARTICLE = {"source", "author", "title", "description", "url", "urlToImage", "publishedAt", "content"}


def test_current_weather_has_open_meteos_shape(client):
    """The object, its units and its types are those of the real service."""
    response = client.get("/v1/forecast", params=BERLIN | {"current": CURRENT})
    body = response.json()
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert (body["latitude"], body["longitude"]) == (52.52, 13.42)
    assert (body["utc_offset_seconds"], body["timezone"]) == (0, "GMT")
    assert isinstance(body["elevation"], float)
    assert body["current_units"] == {
        "time": "iso8601",
        "interval": "seconds",
        "temperature_2m": "°C",
        "relative_humidity_2m": "%",
        "apparent_temperature": "°C",
        "is_day": "",
        "precipitation": "mm",
        "weather_code": "wmo code",
        "cloud_cover": "%",
        "pressure_msl": "hPa",
        "wind_speed_10m": "km/h",
        "wind_direction_10m": "°",
        "wind_gusts_10m": "km/h",
    }
    assert body["current"].keys() == body["current_units"].keys()
    assert body["current"]["interval"] == 900
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:(00|15|30|45)", body["current"]["time"])
    assert type(body["current"]["weather_code"]) is int
    assert type(body["current"]["is_day"]) is int
    assert not body.keys() & {"hourly", "daily"}


def test_forecasts_are_parallel_arrays(client):
    """16 days are 16 daily and 384 hourly values, each list as long as its times."""
    query = BERLIN | {"hourly": HOURLY, "daily": DAILY, "forecast_days": "16", "timezone": "Europe/Berlin"}
    body = client.get("/v1/forecast", params=query).json()
    assert body["timezone"] == "Europe/Berlin"
    assert body["utc_offset_seconds"] in {3600, 7200}
    assert list(body["hourly"]) == list(body["hourly_units"]) == ["time", *HOURLY.split(",")]
    assert list(body["daily"]) == list(body["daily_units"]) == ["time", *DAILY.split(",")]
    assert {len(values) for values in body["hourly"].values()} == {384}
    assert {len(values) for values in body["daily"].values()} == {16}
    assert body["daily_units"]["sunrise"] == "iso8601"


def test_the_same_question_has_the_same_answer(client):
    """Two calls differ in nothing but the time they took."""
    query = BERLIN | {"daily": DAILY, "timezone": "auto"}
    first, second = (client.get("/v1/forecast", params=query).json() for _ in range(2))
    del first["generationtime_ms"], second["generationtime_ms"]
    assert first == second
    assert first["timezone"] == "Europe/Berlin"


def test_units_are_as_asked_for(client):
    """Each unit parameter shows in the units and keeps Open-Meteo's names."""
    units = {"temperature_unit": "fahrenheit", "wind_speed_unit": "ms", "precipitation_unit": "inch"}
    names = "temperature_2m,wind_speed_10m,precipitation"
    body = client.get("/v1/forecast", params=BERLIN | units | {"current": names}).json()
    assert list(body["current_units"].values())[2:] == ["°F", "m/s", "inch"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"latitude": "95"}, "Latitude must be in range of -90 to 90°. Given: 95.0."),
        ({"latitude": "nan"}, "Latitude must be in range of -90 to 90°. Given: nan."),
        ({"longitude": "-181"}, "Longitude must be in range of -180 to 180°. Given: -181.0."),
        ({"latitude": ""}, "Parameter 'latitude' and 'longitude' must not be empty"),
        ({"latitude": "north"}, "Value of type 'Float' required for key 'latitude'."),
        ({"forecast_days": "17"}, "Forecast days is invalid. Allowed range 0 to 16. Given 17."),
        ({"timezone": "Mars/Olympus"}, "Invalid timezone"),
        (
            {"daily": "uv_index"},
            "Data corrupted at path ''. Cannot initialize ForecastVariableDaily from invalid String value uv_index.",
        ),
        (
            {"temperature_unit": "kelvin"},
            "Data corrupted at path 'temperature_unit'. "
            "Cannot initialize TemperatureUnit from invalid String value kelvin.",
        ),
    ],
)
def test_wrong_weather_requests_get_a_reason(client, change, reason):
    """400 with Open-Meteo's two fields."""
    response = client.get("/v1/forecast", params=BERLIN | change)
    assert response.status_code == 400
    assert response.json() == {"error": True, "reason": reason}


def test_headlines_have_newsapis_shape(client):
    """The envelope, the articles' fields and the dates are those of the real service."""
    query = {"country": "us", "category": "technology", "pageSize": "20"}
    body = client.get("/v2/top-headlines", params=query, headers=KEY).json()
    assert body.keys() == {"status", "totalResults", "articles"}
    assert body["status"] == "ok"
    assert len(body["articles"]) == 20 <= body["totalResults"]
    dates = [article["publishedAt"] for article in body["articles"]]
    assert dates == sorted(dates, reverse=True)
    for article in body["articles"]:
        assert article.keys() == ARTICLE
        assert article["source"].keys() == {"id", "name"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", article["publishedAt"])


def test_pages_follow_each_other_without_overlap(client):
    """Two pages of ten are the first twenty."""
    pages = [
        client.get("/v2/top-headlines", params={"country": "de", "pageSize": size, "page": page}, headers=KEY).json()
        for size, page in (("10", "1"), ("10", "2"), ("20", "1"))
    ]
    assert pages[0]["articles"] + pages[1]["articles"] == pages[2]["articles"]


def test_a_query_is_really_searched_for(client):
    """Every article found contains the word; a word that nobody wrote finds nothing."""
    found = client.get("/v2/everything", params={"q": "climate"}, headers=KEY).json()
    assert found["totalResults"] > 0
    assert all(
        "climate" in f"{article['title']} {article['description'] or ''}".lower() for article in found["articles"]
    )
    nothing = client.get("/v2/top-headlines", params={"q": "xyzzyplugh"}, headers=KEY).json()
    assert nothing == {"status": "ok", "totalResults": 0, "articles": []}


@pytest.mark.parametrize(
    ("path", "query", "headers", "status", "code"),
    [
        ("top-headlines", {"country": "us"}, {}, 401, "apiKeyMissing"),
        ("top-headlines", {"country": "us"}, {"X-Api-Key": "invalid"}, 401, "apiKeyInvalid"),
        ("everything", {"q": "a", "apiKey": "invalid"}, {}, 401, "apiKeyInvalid"),
        ("top-headlines", {}, KEY, 400, "parametersMissing"),
        ("everything", {}, KEY, 400, "parametersMissing"),
        ("top-headlines", {"category": "gossip"}, KEY, 400, "parameterInvalid"),
        ("top-headlines", {"country": "us", "pageSize": "101"}, KEY, 400, "parameterInvalid"),
        ("top-headlines", {"country": "us", "pageSize": "ten"}, KEY, 400, "parameterInvalid"),
        ("top-headlines", {"country": "us", "page": "0"}, KEY, 400, "pageCannotBeLessThanOne"),
        ("top-headlines", {"country": "us", "pageSize": "20", "page": "6"}, KEY, 426, "maximumResultsReached"),
        ("everything", {"q": "the", "page": "2"}, KEY, 426, "maximumResultsReached"),
    ],
)
def test_wrong_news_requests_get_newsapis_errors(client, path, query, headers, status, code):
    """Status, code and a message, as documented."""
    response = client.get(f"/v2/{path}", params=query, headers=headers)
    body = response.json()
    assert response.status_code == status
    assert (body["status"], body["code"]) == ("error", code)
    assert body.keys() == {"status", "code", "message"}


def test_the_key_may_stand_in_the_address(client):
    """`apiKey` in the query is as good as the header."""
    assert client.get("/v2/top-headlines", params={"country": "us", "apiKey": "demo"}).status_code == 200


def test_gnews_has_its_own_shape(client):
    """The same articles, dressed as GNews does."""
    query = {"category": "world", "country": "gb", "max": "5", "apikey": "demo"}
    body = client.get("/api/v4/top-headlines", params=query).json()
    assert body.keys() == {"totalArticles", "articles"}
    assert len(body["articles"]) == 5
    for article in body["articles"]:
        assert article.keys() == {"title", "description", "content", "url", "image", "publishedAt", "source"}
        assert article["source"].keys() == {"name", "url"}
    query |= {"page": "2"}
    assert client.get("/api/v4/top-headlines", params=query).json()["articles"] != body["articles"]


@pytest.mark.parametrize(
    ("query", "status"),
    [({}, 401), ({"apikey": "invalid"}, 401), ({"apikey": "exhausted"}, 403), ({"apikey": "x", "max": "0"}, 400)],
)
def test_gnews_refuses_in_its_own_form(client, query, status):
    """Errors are a list of messages, or a message by parameter."""
    response = client.get("/api/v4/top-headlines", params=query)
    assert response.status_code == status
    assert list(response.json()) == ["errors"]


@pytest.mark.parametrize(("name", "length"), [("topstories", 500), ("newstories", 500), ("beststories", 200)])
def test_hacker_news_lists_ids_of_items(client, name, length):
    """Lists are ids; the first is an item with that id."""
    ids = client.get(f"/v0/{name}.json").json()
    assert len(ids) == len(set(ids)) == length
    story = client.get(f"/v0/item/{ids[0]}.json").json()
    assert story["id"] == ids[0]
    assert story["type"] == "story"


def test_an_unknown_item_is_null(client):
    """200 and null, as there."""
    response = client.get("/v0/item/1.json")
    assert (response.status_code, response.text) == (200, "null")


def test_the_front_page_lists_the_routes(client):
    """A visitor learns what this is."""
    page = client.get("/").text
    assert all(route in page for route in ("/v1/forecast", "/v2/everything", "/v0/topstories.json", "/_control/faults"))


def test_other_paths_and_methods_are_refused(client):
    """404 and 405 instead of a made-up answer."""
    assert client.get("/v3/forecast").status_code == 404
    assert client.post("/v1/forecast").status_code == 405
    assert client.get("/_control/reset").status_code == 405
    assert client.delete("/_control/faults").status_code == 405
    assert client.post("/_control/calls").status_code == 405
