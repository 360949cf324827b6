"""What clients may ask of the news. Every error is an InvalidQuery that names the field."""

from __future__ import annotations

import unicodedata

from cache_platform.exceptions import InvalidQuery

CATEGORIES = ("general", "business", "entertainment", "health", "science", "sports", "technology")
DEFAULT_CATEGORY = "general"
DEFAULT_COUNTRY = "us"
MAX_QUERY = 100
MAX_PAGE = 5

# Those of NewsAPI's `country` parameter, with the names that people choose by.
COUNTRIES = {
    "ar": "Argentina",
    "au": "Australia",
    "at": "Austria",
    "be": "Belgium",
    "br": "Brazil",
    "bg": "Bulgaria",
    "ca": "Canada",
    "cn": "China",
    "co": "Colombia",
    "cu": "Cuba",
    "cz": "Czechia",
    "eg": "Egypt",
    "fr": "France",
    "de": "Germany",
    "gr": "Greece",
    "hk": "Hong Kong",
    "hu": "Hungary",
    "in": "India",
    "id": "Indonesia",
    "ie": "Ireland",
    "il": "Israel",
    "it": "Italy",
    "jp": "Japan",
    "lv": "Latvia",
    "lt": "Lithuania",
    "my": "Malaysia",
    "mx": "Mexico",
    "ma": "Morocco",
    "nl": "Netherlands",
    "nz": "New Zealand",
    "ng": "Nigeria",
    "no": "Norway",
    "ph": "Philippines",
    "pl": "Poland",
    "pt": "Portugal",
    "ro": "Romania",
    "ru": "Russia",
    "sa": "Saudi Arabia",
    "rs": "Serbia",
    "sg": "Singapore",
    "sk": "Slovakia",
    "si": "Slovenia",
    "za": "South Africa",
    "kr": "South Korea",
    "se": "Sweden",
    "ch": "Switzerland",
    "tw": "Taiwan",
    "th": "Thailand",
    "tr": "Türkiye",
    "ua": "Ukraine",
    "ae": "United Arab Emirates",
    "gb": "United Kingdom",
    "us": "United States",
    "ve": "Venezuela",
}


def parse_category(text: str | None) -> str:
    """One of CATEGORIES; `general` when absent."""
    category = (text or DEFAULT_CATEGORY).lower()
    if category not in CATEGORIES:
        raise InvalidQuery("category", f"must be one of {', '.join(CATEGORIES)}")
    return category


def parse_country(text: str | None) -> str:
    """One of COUNTRIES, in lower case; `us` when absent."""
    country = (text or DEFAULT_COUNTRY).lower()
    if country not in COUNTRIES:
        raise InvalidQuery("country", f"must be one of {', '.join(sorted(COUNTRIES))}")
    return country


def parse_q(text: str | None) -> str:
    """The search words in one spelling (NFKC, lower case, single spaces), so that equal searches share a key.

    Empty when absent.
    """
    if text and len(text) > 4 * MAX_QUERY:
        raise InvalidQuery("q", f"must have at most {MAX_QUERY} characters")
    query = normalise(text or "")
    if len(query) > MAX_QUERY:
        raise InvalidQuery("q", f"must have at most {MAX_QUERY} characters")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in query):
        raise InvalidQuery("q", "must not contain control characters")
    return query


def normalise(text: str) -> str:
    """`text` in NFKC, lower case, with single spaces. Doing it twice changes nothing more."""
    # NFKC again, because lower case can bring letters that it joins.
    lowered = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return " ".join(lowered.split())


def parse_page(text: str | None) -> int:
    """1 to 5; 1 when absent."""
    if not text:
        return 1
    if not (text.isascii() and text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= MAX_PAGE):
        raise InvalidQuery("page", f"must be a whole number from 1 to {MAX_PAGE}")
    return int(text)
