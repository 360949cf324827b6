"""The countries that the sandbox's newspapers write about: those of NewsAPI's `country` parameter, and a few more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Country:
    """A country as a newspaper speaks of it."""

    code: str
    name: str
    nation: str
    cities: tuple[str, ...]


TABLE = """
ae|the United Arab Emirates|Emirati|Dubai,Abu Dhabi,Sharjah
ar|Argentina|Argentine|Buenos Aires,Cordoba,Rosario
at|Austria|Austrian|Vienna,Graz,Linz,Salzburg
au|Australia|Australian|Sydney,Melbourne,Brisbane,Perth,Adelaide
be|Belgium|Belgian|Brussels,Antwerp,Ghent,Liege
bg|Bulgaria|Bulgarian|Sofia,Plovdiv,Varna
br|Brazil|Brazilian|Sao Paulo,Rio de Janeiro,Salvador,Recife
ca|Canada|Canadian|Toronto,Montreal,Vancouver,Calgary,Halifax
ch|Switzerland|Swiss|Zurich,Geneva,Basel,Bern
cn|China|Chinese|Beijing,Shanghai,Shenzhen,Chengdu
co|Colombia|Colombian|Bogota,Medellin,Cali
cu|Cuba|Cuban|Havana,Santiago,Camaguey
cz|the Czech Republic|Czech|Prague,Brno,Ostrava
de|Germany|German|Berlin,Hamburg,Munich,Cologne,Leipzig
dk|Denmark|Danish|Copenhagen,Aarhus,Odense
eg|Egypt|Egyptian|Cairo,Alexandria,Giza
es|Spain|Spanish|Madrid,Barcelona,Valencia,Seville,Bilbao
fi|Finland|Finnish|Helsinki,Tampere,Turku
fr|France|French|Paris,Lyon,Marseille,Toulouse,Nantes
gb|the United Kingdom|British|London,Manchester,Leeds,Glasgow,Cardiff
gr|Greece|Greek|Athens,Thessaloniki,Patras
hk|Hong Kong|Hong Kong|Kowloon,Sha Tin,Tsuen Wan
hu|Hungary|Hungarian|Budapest,Debrecen,Szeged
id|Indonesia|Indonesian|Jakarta,Surabaya,Bandung
ie|Ireland|Irish|Dublin,Cork,Galway,Limerick
il|Israel|Israeli|Tel Aviv,Haifa,Jerusalem
in|India|Indian|Mumbai,Delhi,Bengaluru,Chennai,Kolkata
it|Italy|Italian|Rome,Milan,Naples,Turin,Bologna
jp|Japan|Japanese|Tokyo,Osaka,Nagoya,Sapporo,Fukuoka
kr|South Korea|South Korean|Seoul,Busan,Daegu
lt|Lithuania|Lithuanian|Vilnius,Kaunas,Klaipeda
lv|Latvia|Latvian|Riga,Daugavpils,Liepaja
ma|Morocco|Moroccan|Casablanca,Rabat,Fez
mx|Mexico|Mexican|Mexico City,Guadalajara,Monterrey
my|Malaysia|Malaysian|Kuala Lumpur,Penang,Johor Bahru
ng|Nigeria|Nigerian|Lagos,Abuja,Kano
nl|the Netherlands|Dutch|Amsterdam,Rotterdam,Utrecht,Eindhoven
no|Norway|Norwegian|Oslo,Bergen,Trondheim
nz|New Zealand|New Zealand|Auckland,Wellington,Christchurch
ph|the Philippines|Philippine|Manila,Cebu,Davao
pk|Pakistan|Pakistani|Karachi,Lahore,Islamabad
pl|Poland|Polish|Warsaw,Krakow,Gdansk,Wroclaw
pt|Portugal|Portuguese|Lisbon,Porto,Braga
ro|Romania|Romanian|Bucharest,Cluj,Timisoara
rs|Serbia|Serbian|Belgrade,Novi Sad,Nis
ru|Russia|Russian|Moscow,Saint Petersburg,Kazan
sa|Saudi Arabia|Saudi|Riyadh,Jeddah,Dammam
se|Sweden|Swedish|Stockholm,Gothenburg,Malmo
sg|Singapore|Singaporean|Singapore,Jurong,Tampines
si|Slovenia|Slovenian|Ljubljana,Maribor,Koper
sk|Slovakia|Slovak|Bratislava,Kosice,Zilina
th|Thailand|Thai|Bangkok,Chiang Mai,Phuket
tr|Turkey|Turkish|Istanbul,Ankara,Izmir
tw|Taiwan|Taiwanese|Taipei,Kaohsiung,Taichung
ua|Ukraine|Ukrainian|Kyiv,Lviv,Odesa
us|the United States|American|New York,Chicago,Denver,Seattle,Atlanta,Boston,Houston
ve|Venezuela|Venezuelan|Caracas,Maracaibo,Valencia
za|South Africa|South African|Johannesburg,Cape Town,Durban
"""


@lru_cache(maxsize=1)
def countries() -> dict[str, Country]:
    """Return the countries by their two-letter code, in lower case."""
    rows = (line.split("|") for line in TABLE.split("\n") if line)
    return {code: Country(code, name, nation, tuple(cities.split(","))) for code, name, nation, cities in rows}
