"""The table of words by which an item belongs to an area of life. A word stands in one area only."""

from __future__ import annotations

from types import MappingProxyType

_LISTED = {
    "music": """
        album-release audio band cello choir chord chords classical concert drums electronic festival folk gig guitar
        hip-hop indie jazz metal metronome midi music opera orchestra piano playlist playlists pop record rehearsal rock
        setlist singer song songs soundtrack symphony techno tuning vinyl violin
    """,
    "work": """
        agenda api automation backend budget client clients colleague deadline deploy deployment devops draft focus
        frontend gateway infrastructure interview invoice invoices job kpi lo-fi meeting meetings minimal office
        onboarding planning presentation project projects queue release report retrospective review roadmap sales salary
        standup ticket work workshop
    """,
    "sport": """
        athletics badminton basketball bike climbing court cycling football gps gpx gym hike hiking km league marathon
        match pace race ride rowing rugby run running skiing soccer sport sports sprint swim swimming tennis training
        volleyball workout
    """,
    "family": """
        anniversary aunt baby bedtime birthday brother child children chores cousin dad daughter family father grandma
        grandpa home kids kindergarten mother mum nephew niece parents photos school singalong sister son twins uncle
        wedding
    """,
    "learning": """
        book books chapter class course education exam exercises flashcards history homework learn learning lecture
        lectures lesson library notes podcast reading research seminar statistics studies study thesis tutorial
        university
    """,
    "travel": """
        airport beach booking border cruise flight flights holiday hotel itinerary landed luggage map maps museum pack
        packing passport postcard timetable tour train transport travel trip vacation visa
    """,
    "health": """
        blood breath breathe breathing checkup dentist diary doctor habit habits health hospital meditation mindfulness
        pharmacy physiotherapy pilates sleep slept symptom therapy tracking vaccination walk wellness yoga
    """,
    "food": """
        bake baking bakery bowl bread breakfast brunch cafe coffee cook cooking dinner dish eat food kitchen lunch
        market menu pantry recipe recipes restaurant simmer sourdough supper
    """,
}  # fmt: skip

AREAS = tuple(_LISTED)
"""The areas of life, in the order in which they win a tie."""
OTHER = "other"
"""The area of items that say nothing."""

AREA_OF_WORD = MappingProxyType({word: area for area, words in _LISTED.items() for word in words.split()})
WORDS = sum(len(words.split()) for words in _LISTED.values())
"""As many as there are different ones, since none stands in two areas."""

AREA_OF_KIND = MappingProxyType({"plays": "music", "repositories": "work"})
"""Where an item belongs in which no word is found."""
