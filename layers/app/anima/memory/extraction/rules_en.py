"""Plain English statements of the first person, as patterns: what stands where in them. `rules` reads them."""

# ruff: noqa: E501 (a table: one statement a line)
from __future__ import annotations

NATIONALITIES = frozenset(
    "american argentinian australian austrian belgian brazilian british bulgarian canadian chilean chinese colombian croatian"
    " czech danish dutch egyptian english estonian ethiopian finnish french german greek hungarian icelandic indian indonesian"
    " iranian iraqi irish israeli italian jamaican japanese jordanian kenyan korean latvian lebanese lithuanian malaysian mexican"
    " moroccan nigerian norwegian pakistani palestinian peruvian polish portuguese romanian russian scottish senegalese serbian"
    " slovak slovenian spanish swedish swiss syrian taiwanese thai tunisian turkish ukrainian vietnamese welsh".split()
)
RELIGIONS = "muslim|christian|catholic|protestant|jewish|buddhist|hindu|sikh|atheist|agnostic"
ANIMALS = "dog|cat|puppy|kitten|horse|pony|rabbit|hamster|parrot|budgie|tortoise|turtle|goldfish|snake|lizard|gecko|ferret|guinea pig|hen"
OCCUPATIONS = frozenset(
    "accountant analyst architect assistant barista cook chef clerk coach consultant dentist developer nurse midwife pilot student"
    " surgeon vet judge mechanic plumber programmer receptionist intern paramedic economist musician politician technician cashier"
    " nun priest pastor rabbi soldier sailor actress waitress fireman policeman postman fisherman businesswoman salesman model".split()
)
NO_OCCUPATIONS = frozenset(
    "lover believer beginner owner smoker member runner mother father brother sister winner loner user number person fan reader"
    " vegetarian teetotaller drinker eater sleeper riser stranger newcomer foreigner worrier singer-along perfectionist optimist pessimist"
    " feminist introvert extrovert survivor leader follower thinker talker listener supporter speaker human libertarian"
    " teenager youngster cancer disaster monster hater procrastinator atheist pescatarian christian realist idealist minimalist".split()
)
_ADVERBS = (
    r"(?:(?:really|absolutely|totally|also|still|just|always|currently|now|actually|truly|simply|quite|very|kind of|only|originally"
    r"|recently|deeply|especially|particularly|honestly|mostly|usually|often|completely|genuinely|secretly|definitely|sometimes|finally"
    r"|severely|highly|mildly|both|seriously|terribly|do|have|'ve|had) )*"
)
I = rf"\bi(?:'ve)? {_ADVERBS}"  # noqa: E741
IM = rf"\bi(?:'m| am|'ve been| have been) {_ADVERBS}"
LEAD = (
    r"(?:(?:well|hello|hi|hey|ok|okay|so|actually|by the way|btw|also|and|but|yes|yeah|no|oh|ah|honestly|to be honest|you know|look|please"
    r"|for the record|just so you know|fyi|remember(?: that)?|note that|sorry|now|today|these days|nowadays|luna|anyway|frankly|in fact"
    r"|unfortunately|sadly|luckily|turns out|thing is|as for me|personally|don't forget(?: that)?|guess what)\b[\s,:!]*|[^,]{1,30}, ){0,4}"
)
_ONE = rf"(?:a|an|one|two|three|four|five|2|3|4)(?: \w+){{0,2}}? (?:{ANIMALS})s?"

# (key, pattern, how): the value is the group v. How, of several words: `name` leading capitals (`strict`: only those), `place` must hold
# a capital, `list` several, `cut=a|b` ends before these words, `kin` the group k is the relation, `job` must be one, `gone` ends what was known.
RULES: tuple[tuple[str, str, str], ...] = (
    ("name", r"\bmy (?:full |first |real )?name(?:'s| is) (?P<v>.+)", "name"),
    ("name", r"\bi am called (?P<v>.+)", "name"),
    ("name", r"\bi(?:'m| am) (?P<v>[^\s,].*)", "name strict alone"),
    (
        "nickname",
        r"\b(?:my friends|people|everyone|everybody|you can|you may|please|just)? ?\bcall(?:s)? me (?P<v>.+)",
        "name strict",
    ),
    ("nickname", r"\bi go by (?P<v>.+)", "name strict"),
    ("age", rf"{IM}(?P<v>\d{{1,3}}|\w+ty(?:[- ]\w+)?)(?: years old| years of age| yo)?(?:$|[,.!])", ""),
    ("age", rf"{I}turned (?P<v>\d{{1,3}}|\w+ty(?:[- ]\w+)?)\b", ""),
    ("birthday", r"\bmy birthday(?:'s| is)(?: on)? (?P<v>.+)", ""),
    ("birthday", r"\bi was born on (?P<v>.+)", ""),
    ("nationality", rf"{IM}(?:a |an )?(?P<v>\w+)(?: citizen| by birth)?$", "nationality"),
    ("religion", rf"{IM}(?:a |an )?(?P<v>{RELIGIONS})\b", ""),
    ("pronouns", r"\bmy pronouns are (?P<v>.+)", ""),
    ("marital_status", rf"{IM}(?P<v>married|single|divorced|widowed|engaged)\b", ""),
    ("language", rf"{I}speak (?P<v>.+)", "list place"),
    ("language", r"\bmy (?:native|mother|first) (?:language|tongue) is (?P<v>.+)", "place"),
    ("home", rf"{I}live (?:over )?(?:here )?in (?P<v>.+)", "place cut=with"),
    ("home", rf"{I}(?:moved|relocated) (?:from .+? )?to (?P<v>.+)", "place cut=with"),
    ("home", rf"{IM}(?:based|living|settled) in (?P<v>.+)", "place cut=with"),
    ("home", r"\bi (?:don't|do not|no longer) live in (?P<v>.+)", "place gone"),
    ("hometown", rf"\bi(?:'m| am| come| hail) {_ADVERBS}from (?P<v>.+)", "place"),
    ("hometown", rf"{I}(?:grew up|was born|was raised) in (?P<v>.+)", "place"),
    ("lived_in", r"\bi (?:used to live|once lived|lived) in (?P<v>.+)", "place cut=for"),
    ("job", rf"{I}work as (?:a|an|the) (?P<v>.+)", "cut=at|for|in|with"),
    ("job", rf"{IM}(?:a|an) (?P<v>.+)", "job cut=at|for|in|with"),
    ("job", rf"{IM}(?:employed|working) as (?:a|an) (?P<v>.+)", "cut=at|for|in"),
    ("job", r"\bmy (?:job|profession|occupation) is (?P<v>.+)", "cut=at|for"),
    ("past_job", r"\bi used to (?:work as|be) (?:a|an) (?P<v>.+)", "cut=at|for|in"),
    ("employer", rf"{I}work (?:for|at) (?P<v>.+)", "place cut=as|in"),
    ("employer", r"\bi (?:don't|no longer) work (?:for|at) (?P<v>.+)", "place gone"),
    (
        "schedule",
        rf"{I}work (?P<v>(?:the )?(?:night|day|early|late|evening)s?(?: shifts?)?|weekends|part[- ]time|full[- ]time)\b",
        "",
    ),
    ("school", rf"{I}(?:study|go to school|go to university) at (?P<v>.+)", ""),
    ("field_of_study", rf"{IM}studying (?P<v>.+)", "cut=at|in|to"),
    ("field_of_study", rf"{I}(?:study|major in|majored in|studied) (?P<v>(?!at|in|for|to|hard)\w.+)", "cut=at|in"),
    (
        "partner",
        r"\bmy (?P<k>wife|husband|partner|girlfriend|boyfriend|fiancée?|spouse)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)",
        "kin",
    ),
    ("mother", r"\bmy (?P<k>mother|mum|mom)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)", "kin"),
    ("father", r"\bmy (?P<k>father|dad)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)", "kin"),
    (
        "child",
        r"\bmy (?:\w+ )?(?P<k>son|daughter|baby|kid|child)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)",
        "kin",
    ),
    (
        "child",
        rf"{I}(?:got )?(?P<v>(?:a|one|two|three|four|five|\d) (?:\w+ )?(?:kid|child|children|son|daughter|kids|sons|daughters))\b",
        "have",
    ),
    ("sibling", r"\bmy (?:\w+ )?(?P<k>sister|brother|twin)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)", "kin"),
    (
        "sibling",
        rf"{I}(?:got )?(?P<v>(?:a|one|two|three|four|five|\d) (?:\w+ )?(?:brother|sister|sibling)s?)\b",
        "have",
    ),
    (
        "relative",
        r"\bmy (?P<k>grandmother|grandfather|grandma|grandpa|granny|uncle|aunt|cousin|nephew|niece)"
        r"(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)",
        "kin",
    ),
    (
        "friend",
        r"\bmy (?:best |oldest |closest )(?P<k>friend)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)",
        "kin",
    ),
    (
        "colleague",
        r"\bmy (?P<k>boss|manager|colleague|coworker)(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)",
        "kin",
    ),
    ("pet", rf"\bmy (?:\w+ )?(?P<k>{ANIMALS})(?:'s name is| is (?:called|named)| is|,)? (?P<v>.+)", "kin"),
    ("pet", rf"{I}(?:got|own|adopted|keep|bought) (?P<v>{_ONE}(?:,? (?:named|called) .+)?)", "pet"),
    ("pet", rf"\bi(?:'ve got|'ve| have)(?: got)? (?P<v>{_ONE}(?:,? (?:named|called) .+)?)", "pet"),
    ("allergy", rf"{IM}allergic to (?P<v>.+)", "list"),
    ("allergy", r"\bi(?:'ve got| have)(?: got)? (?:a|an) (?:\w+ )?(?P<v>\w+) allergy\b", ""),
    ("allergy", r"\bi(?:'m not| am not) (?:really )?allergic to (?P<v>.+)", "gone"),
    (
        "condition",
        rf"{I}(?:got |suffer from |suffered from )?(?P<v>(?:type (?:1|2|one|two) )?diabetes|asthma|epilepsy|migraines?|arthritis|insomnia|adhd|celiac disease|hay fever|anxiety|depression|high blood pressure)\b",
        "have",
    ),
    ("condition", rf"\bi(?:'ve been| was|'m| have been) {_ADVERBS}diagnosed with (?P<v>.+)", ""),
    ("diet", rf"{IM}(?:a )?(?P<v>vegan|vegetarian|pescatarian|lactose intolerant|gluten[- ]free|celiac|coeliac)\b", ""),
    (
        "diet",
        rf"\bi (?:don't|do not|never|stopped) (?:{_ADVERBS})?eat(?:ing)? (?P<v>meat|pork|beef|fish|gluten|dairy|eggs|sugar)\b",
        "no",
    ),
    ("fear", rf"{IM}(?:afraid|scared|terrified|frightened) of (?P<v>.+)", "list"),
    ("favorite_food", r"\bmy (?:all-time )?favou?rite (?:food|dish|meal|dessert|snack)(?:'s| is) (?P<v>.+)", ""),
    ("favorite_drink", r"\bmy (?:all-time )?favou?rite drink(?:'s| is) (?P<v>.+)", ""),
    ("favorite_color", r"\bmy (?:all-time )?favou?rite colou?r(?:'s| is) (?P<v>.+)", ""),
    (
        "favorite_music",
        r"\bmy (?:all-time )?favou?rite (?:music|band|singer|song|album|composer)(?:'s| is| are) (?P<v>.+)",
        "",
    ),
    ("favorite_book", r"\bmy (?:all-time )?favou?rite (?:book|novel)(?:'s| is) (?P<v>.+)", ""),
    ("favorite_film", r"\bmy (?:all-time )?favou?rite (?:film|movie)(?:'s| is) (?P<v>.+)", ""),
    ("favorite_place", r"\bmy (?:all-time )?favou?rite (?:place|city|country|spot)(?:'s| is) (?P<v>.+)", ""),
    ("favorite_season", r"\bmy (?:all-time )?favou?rite season(?:'s| is) (?P<v>.+)", ""),
    ("favorite_animal", r"\bmy (?:all-time )?favou?rite animal(?:'s| is| are) (?P<v>.+)", ""),
    ("team", rf"{I}support (?P<v>.+)", "place"),
    ("likes", rf"{I}(?:like|love|adore|enjoy) (?P<v>.+)", "list"),
    (
        "likes",
        rf"{IM}(?:fond of|crazy about|mad about|into|passionate about|keen on|addicted to|a (?:big |huge |great )?fan of) (?P<v>.+)",
        "list",
    ),
    (
        "dislikes",
        rf"{I}(?:hate|dislike|detest|loathe|despise|can't stand|cannot stand|can't bear|can't abide) (?P<v>.+)",
        "list",
    ),
    ("dislikes", rf"\bi (?:{_ADVERBS})(?:don't|do not) (?:{_ADVERBS})(?:like|enjoy|care for) (?P<v>.+)", "list"),
    (
        "dislikes",
        rf"\bi(?:'m| am) not (?:{_ADVERBS})(?:a (?:big |huge )?fan of|fond of|keen on|into) (?P<v>.+)",
        "list",
    ),
    ("likes", r"\bi no longer (?:like|love|enjoy) (?P<v>.+)", "gone"),
    ("dislikes", r"\bi no longer (?:hate|dislike) (?P<v>.+)", "gone"),
    ("hobby", r"\bmy (?:main |favou?rite )?hobb(?:y|ies) (?:is|are|include) (?P<v>.+)", "list"),
    ("hobby", r"\bin my (?:free|spare) time,? i (?:like to |love to |usually |often )?(?P<v>.+)", ""),
    (
        "sport",
        rf"{I}play (?P<v>football|soccer|tennis|basketball|volleyball|rugby|hockey|badminton|golf|baseball|cricket|squash|handball|chess)\b",
        "",
    ),
    (
        "instrument",
        rf"{I}play (?:the )?(?P<v>piano|guitar|violin|cello|drums|flute|bass|saxophone|trumpet|harp|clarinet|accordion|ukulele|banjo)\b",
        "",
    ),
    ("goal", r"\bmy (?:\w+ )?(?:goal|dream|ambition) is (?:to )?(?P<v>.+)", ""),
    ("plan", rf"\bi(?:'m| am) (?:{_ADVERBS})planning (?:to |on )?(?P<v>.+)", ""),
    ("plan", rf"{I}plan to (?P<v>.+)", ""),
    ("travel_plan", rf"{IM}(?:going|travelling|traveling|flying|off) to (?P<v>.+)", "place cut=for|in|on|next|this"),
    ("visited", r"\bi(?:'ve| have) (?:been to|visited|travelled to|traveled to) (?P<v>.+)", "place list"),
    ("vehicle", rf"{I}drive (?P<v>(?:a|an|my) .+)", "place cut=to"),
    ("owns", rf"{I}own (?P<v>(?:a|an) .+)", ""),
)
