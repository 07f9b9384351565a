"""English statements as patterns of the plain form of a clause (small letters, no accents, full forms). `rules` reads them.

What stands where: subject and verb by class (dwelling, working, having, liking …), and the value as group v.
"""

# ruff: noqa: E501 (a table: one statement a line)
from __future__ import annotations

from anima.memory.extraction.numbers import NUMBER
from anima.memory.extraction.tables import Rows, read_rules
from anima.memory.extraction.words_en import (
    ANIMALS,
    BELONGINGS,
    BRANDS,
    CONDITION_ADJECTIVES,
    CONDITIONS,
    DRINKS,
    EXERCISES,
    FOODS,
    HOBBY_VERBS,
    INSTRUMENTS,
    KIN,
    MEDICINES,
    PASTIMES,
    RELIGIONS,
    SPORT_VERBS,
    SPORTS,
    VEHICLES,
    WORK_FIELDS,
)

_ADVERB = (
    r"(?:(?:really|absolutely|totally|also|still|just|always|currently|now|actually|truly|simply|quite|very|kind of|sort of|only|originally|recently|deeply|especially|particularly"
    r"|honestly|mostly|mainly|usually|normally|generally|often|completely|genuinely|secretly|definitely|sometimes|finally|severely|highly|mildly|deathly|slightly|badly|both|seriously|terribly"
    r"|literally|basically|technically|officially|proudly|happily|newly|freshly|fluently|already|even|so|pretty|super|rather|all|do|did|am|happen to|have come to|tend to|been|too|almost|about|nearly|around"
    r"|born and raised in|kinda|lowkey|massively|hugely|absolutely|clinically|legally|freaking|bloody) )*"
)
I = rf"(?:i|we)(?:'ve)? {_ADVERB}"  # noqa: E741
ME = rf"i(?:'ve)? {_ADVERB}"
IM = rf"(?:(?:i'm|i've been|we're|we've been|been) )(?:in the process of )?{_ADVERB}"
AM = rf"i'm {_ADVERB}"
HAVE = rf"(?:i|we)(?:'ve)? {_ADVERB}(?:have|got|have got) {_ADVERB}"
GOT = rf"(?:(?:i've|we've)(?= an? )|(?:(?:i|we)(?:'ve)? {_ADVERB})?(?:have(?: got)?|got|own|adopted|keep|bought|rescued|took in|share (?:my|our) (?:home|flat|house|life) with|fostered|inherited))"
MINE = r"(?:my|our)"
_NO_VERB = r"(?!(?:an?|the|had|has|have|got|gets|gave|wants|bought|adopted|is|was)\b)"  # "my aunt has a dog": hers
_TOP = r"(?:all[- ]time |absolute |personal |number one )?(?:favou?rite|go-to)"
_IS = r"(?:'s| is| was| are| has always been| will always be| would be| has to be| must be)"
_IN = r"(?:over |out |up |down |right |here |back )?(?:in|near|outside|just outside|close to|not far from|at|north of|south of|east of|west of|by|on the outskirts of|around)"
_ONE = rf"(?:an?|one|two|three|four|five|six|\d+|some|another)(?: (?!about\b|of\b|in\b|on\b|with\b|for\b|to\b|from\b|like\b|and\b|or\b)[a-z'-]+){{0,3}}? (?:{ANIMALS})s?"
_NAMED = r"(?:,? (?:named|called|who(?:'s| is) (?:called|named)|whose name is|by the name of)|,|:| -) "
_KINS = "|".join(KIN.values())


def _favourite(key: str, nouns: str) -> Rows:
    """What is called one's favourite, said either way round."""
    return (
        (
            key,
            rf"(?:{MINE} )?{_TOP}(?: kinds? of| types? of| sorts? of)? (?:\w+ )?(?:{nouns})(?: of all time| ever)?(?:{_IS}|:)(?: definitely| probably| still)? (?P<v>.+)",
            "np",
        ),
        (
            key,
            rf"the (?:{nouns}) i (?:really )?(?:love|like|enjoy|adore)(?: the)? (?:most|best){_IS} (?P<v>.+)",
            "np",
        ),
        (
            key,
            rf"the (?:best|greatest) (?:{nouns}) (?:ever(?: made| written)?|of all time|in the world|i know)(?:,? for me)?{_IS} (?P<v>.+)",
            "np",
        ),
        (
            key,
            rf"(?P<v>[^,]{{2,40}}?){_IS}(?: definitely| still| hands down| by far)? my {_TOP} (?:\w+ )?(?:{nouns})\b",
            "np head",
        ),
    )


def _kin(key: str) -> Rows:
    """Somebody of one's own, by name."""
    who = KIN[key]
    return (
        (
            key,
            rf"{MINE} (?:{_NO_VERB}[a-z-]+ ){{0,3}}?(?P<k>{who})(?! (?:{_KINS})\b)(?:'s name(?: is|'s| was)|s' names are| (?:is|was) (?:called|named)|s are (?:called|named)|'s called|,? named|,? called|,| is| -|:)? (?P<v>.+)",
            "kin",
        ),
        (
            key,
            rf".{{1,80}}?\b{MINE} (?:[a-z-]+ ){{0,2}}?(?P<k>{who})(?! (?:{_KINS})\b)(?:,| called| named)? (?P<v>.+)",
            "kin",
        ),
        (
            key,
            rf"(?P<v>.{{2,30}}?)(?: is|'s| was|,) my (?:[a-z-]+ ){{0,3}}?(?P<k>{who})\b(?! (?:dream|job|idea))",
            "kin head",
        ),
        (key, rf"{HAVE}(?:an?|one) (?:[a-z-]+ ){{0,3}}?(?P<k>{who})(?:{_NAMED})(?P<v>.+)", "kin"),
    )


# A line a rule: key :: how :: pattern. What `how` may hold is told in `tables`.
RULES: Rows = (
    *read_rules(rf"""
name :: name :: (?:my (?:full |first |real |given |actual |last |family )?(?:sur)?name|the name)(?:'s| is|:) (?P<v>.+)
name :: name strict :: (?:they|my parents) (?:christened|named|baptised) me (?P<v>.+)
name :: name strict :: i(?:'m| was) (?:called|christened|named|baptised) (?P<v>.+)
name :: name strict alone :: {AM}(?P<v>.+)
name :: name strict first :: (?P<v>[^\s,]+(?: [^\s,]+)?) (?:here|speaking)\b(?!\s+(?:in|at|is|are|we))
name :: name strict first :: (?:it's|this is) (?P<v>[^\s,]+)(?: here)?
nickname :: name strict :: (?:(?!not\b|never\b)[^,]{{0,40}} )?(?:please |just |usually |mostly |always |always )?calls? me (?P<v>.+)
nickname :: name strict alone :: (?:everybody|everyone|people|friends|my friends|most people|my mates|they)(?: [a-z ]{{3,25}}?)?? (?:says?|shouts?|uses?|goes with) (?P<v>.+)
nickname :: name strict :: (?:{I}|i'm )(?:go by|answer to|known as|better known as|respond to)(?: the name| just| only)? (?P<v>.+)
nickname :: name strict :: (?:but|though|although)?,? ?(?P<v>[^\s,]+)(?: is| will do| works)(?: fine| ok| good| for short| just fine)
nickname :: name :: my nickname(?:'s| is) (?P<v>.+)
age ::  :: {AM}(?P<v>{NUMBER})(?: years old| years young| years of age| yo| y/o| yrs old)?(?= ?(?:$|[,.!(]|and\b|but\b|now\b|today\b|btw\b|already\b|so\b))
age ::  :: (?:{I})?(?:just )?turn(?:ed|ing)? (?P<v>{NUMBER})(?= ?(?:$|[,.!(]|(?:last|today|yesterday|in|this|next|on|and|recently|years|a|so|tomorrow|soon|but|two|three|now)\b))
age ::  :: i(?:'ll be| will be|'m going to be|'m about to (?:be|turn)|'m turning) (?P<v>{NUMBER})(?= ?(?:$|[,.!]|in\b|on\b|next\b|this\b|soon\b|tomorrow\b|years old))
birthday :: date :: {MINE} birthday(?:'s| is|:| falls| was)?(?: always)?(?: on| in)?(?: the)? (?P<v>.+)
birthday :: date :: (?:i was|i'm)? ?born on (?:the )?(?P<v>.+)
birthday ::  :: i was born in (?P<v>(?:19|20)\d\d)\b
nationality :: nationality :: {AM}(?:an? )?(?P<v>(?:half |part |quarter )?[a-z-]+(?:(?:, | and |/|-)(?:half |part |a quarter )?[a-z]+)?)(?: citizen| national| by birth| by nationality)?(?=$|[,.!]| (?:and|but|so|by|though|originally)\b)
nationality :: nationality :: {HAVE}(?:an? )?(?P<v>[a-z]+) (?:passport|citizenship|nationality)
religion ::  :: {AM}(?:an? )?(?:practi[sc]ing |devout |lapsed )?(?P<v>{RELIGIONS})\b
religion ::  :: {I}(?:converted to|practi[sc]e) (?P<v>islam|buddhism|judaism|christianity|hinduism|catholicism|sikhism)
pronouns ::  :: my pronouns are (?P<v>.+)
pronouns ::  :: {ME}(?:use|go by) (?P<v>\w+/\w+(?:/\w+)?)(?: pronouns)?
partner :: kin as=spouse :: (?:{IM}|{ME})(?:got |getting )?(?:engaged|married) to (?:(?:an?|this) [a-z ]{{2,30}}?(?:called|named) )?(?P<v>.+)
partner :: kin as=partner :: {IM}(?:dating|seeing|going out with|in a relationship with|living with my partner) (?:an? [a-z ]{{2,30}}?(?:called|named) )?(?P<v>.+)
marital_status ::  :: (?:{IM}|{ME}(?:got|am|became) )(?P<v>married|single|divorced|widowed|engaged|separated|a widow(?:er)?)\b(?! (?:to (?:my|the|this|his|her)|by|mother|mum|mom|dad|father|parent|malt|best|thing))
marital_status ::  :: so i'm (?P<v>single)\b
language :: lang list :: {I}(?:speak|understand|am fluent in|'m fluent in|grew up speaking|was raised speaking)(?: fluent| some| a bit of| a little| basic| broken)? (?P<v>.+)
language :: lang list :: {IM}(?:fluent in|bilingual in|bilingual,?|trilingual,?|a native speaker of|conversational in)(?: both)? (?P<v>.+)
language :: lang list :: {AM}(?:an? )?(?:native |fluent )(?P<v>[a-z]+) speaker
language :: lang list :: {MINE} (?:native|mother|first|second|home) (?:language|tongue)(?:'s| is| was) (?P<v>.+)
language :: lang list :: (?P<v>[a-z]+)(?: is|'s) my (?:native|mother|first|second) (?:language|tongue)
language :: lang list learning :: (?:{IM}|{ME})(?:learning|studying|teaching myself|taking|brushing up(?: on)?)(?: some| to speak)? (?P<v>[a-z]+)(?: lessons| classes)?\b(?! (?:history|literature|law))
home :: place cut=with :: {I}(?:live|reside|dwell|rent|share)(?: [a-z]+ly| alone| by myself| together| with (?:my|an?|two|three|some) [a-z ]{{3,25}}?| an? [a-z -]{{3,30}}?)*(?: (?:in|on|above) (?:an?|my own|the) [a-z -]{{3,35}}?)? {_IN} (?P<v>.+)
home :: place cut=with :: (?:{I})?(?:just )?(?:moved|relocated|emigrated|moved back|moved house|resettled)(?: back)?(?:(?: away| out)?(?: from| of) .{{2,25}}?)? to (?P<v>.+)
home :: place cut=with :: (?:{IM})(?:based|living|settled|residing|located|staying|renting(?: a [a-z]+)?) (?:out of |up |down |over |back )?(?:in|near|outside|just outside|at|by|on) (?P<v>.+)
home :: place :: {MINE} (?:[a-z-]+ )?(?:flat|house|apartment|place|home|front door|room|studio|address|cottage|bedsit|digs|farm)(?:'s| is| are)(?: right| just| up)? (?:in|near|outside|at|on|by|close to) (?P<v>.+)
home :: place cut=with :: (?:{I}|{IM})(?:bought|own|rent|renting|have|found|got)(?: [a-z]+){{1,3}}? (?:flat|house|apartment|place|home|room|cottage|studio) (?:in|near|outside|on|at) (?P<v>.+)
home :: place :: (?:{I})(?:just )?(?:bought|rent) (?:a|our first|my first|our own) place in (?P<v>.+)
home :: place :: home(?: for me| for us)?(?:'s| is| has been)(?: now| currently)? (?P<v>.+)
home :: place head :: (?P<v>[^,]{{2,40}}?)(?: is|'s|'s been| has been) (?:where (?:i|we) (?:live|sleep|call home|have settled)|(?:my|our) (?:home|home ?town) now|where (?:my|our) (?:house|home|flat) is)
home :: place :: (?:i've|we've) {_ADVERB}lived {_IN} (?P<v>.+?)(?= (?:since|for|all my|my whole|my entire|ever since|these)\b)
home :: place :: home(?: for me| for us)?(?:'s| is| has been) an? [a-z -]{{3,25}} (?:in|near|on|outside) (?P<v>.+)
home :: place :: {MINE} (?:[a-z-]+ )?(?:flat|house|apartment|place|front door|room|studio|balcony|window|kitchen|bedroom)(?: is| looks| overlooks|'s)(?: [a-z ]{{2,30}}?)?? (?:in|of|over|on) (?P<v>.+)
home :: place gone :: i (?:don't|no longer) live (?:in|at|near) (?P<v>.+)
home :: place gone :: i'm no longer (?:based |living )?in (?P<v>.+)
hometown :: place :: i(?:'m| come| hail|'ve come) {_ADVERB}(?:come )?(?:originally )?from (?:an? [a-z -]{{3,35}}? (?:called|named|near|outside|in|on) )?(?P<v>.+)
hometown :: place :: (?:{I})?(?:originally )?(?:grew up|was born|was raised|born and raised|born and bred|was brought up|spent my childhood)(?: and (?:grew up|raised|bred|was raised))?(?: on a [a-z ]+?| in (?:19|20)\d\d)? (?:in|near|outside|at|on)(?: an?(?: [a-z]+){{1,3}} (?:called|named|near|outside|in|on))? (?P<v>.+)
hometown :: place :: {MINE} (?:home ?town|birthplace)(?:'s| is| was) (?P<v>.+)
hometown :: place :: (?:my family|my folks|my people|my parents|my roots|my ancestors)(?:'s)? (?:comes?|hails?|is|are)(?: originally)? from (?P<v>.+)
lived_in :: place past cut=for|before|back :: (?:when |back when |before [a-z ]+,? )?{I}(?:used to live|once lived|lived|spent [a-z0-9 ]{{2,25}}?(?:years|months|decade|childhood|time|winters|summers)(?: living)?|was living|was based|was stationed) (?:in|near|at) (?P<v>.+)
lived_in :: place past cut=for|to|in :: {I}(?:moved out of|moved away from|moved from)(?: (?:the|my|our|that|an?) (?:[a-z-]+ ){{1,3}}?(?:in|near|at|on))? (?P<v>.+)
lived_in :: place past :: {I}left (?P<v>.+?)(?= (?:in (?:19|20)|last|when i|after|at the age|at \d|(?:[a-z0-9]+|a few) (?:years|months) ago|years ago|for good))
past_job :: past cut=at|for|in|before :: (?:i|we) used to (?:work as|be|train as) (?:an?|the) (?P<v>.+)
past_job :: job past cut=at|for|in|before|until|till :: (?:when|back when|before that,?|before,?|previously)? ?i (?:was|worked as|once was|was once)(?: once)? (?:an? )(?P<v>.+)
past_job :: past cut=at|for|in|before|until :: {ME}(?:worked|spent [a-z0-9 ]{{2,20}}? working) as an? (?P<v>.+)
past_job :: past cut=before|until :: {I}(?:spent (?:[a-z0-9]+ ){{1,3}}(?:years|decades|life|career)) (?:in|as an?|with|driving|teaching|working (?:in|as|for|at)) (?P<v>the (?:navy|army|police|air force|military|merchant navy)|[a-z ]+(?:er|or|ist|ing)\b.*|banking|finance|teaching)
past_job :: past cut=in :: {I}(?:retired from|quit|left|gave up) (?P<v>teaching|nursing|banking|farming|politics|the (?:army|navy|police|civil service|bank|force)|law|medicine|academia|acting)
past_job :: past employer cut=last|after|in :: {I}(?:quit|left|lost|resigned from|was fired from|got fired from|was laid off from)(?: (?:my|a|the))?(?: old| last| previous)? (?:job|position|post|role) (?:as an? |at |with |for )(?P<v>.+)
past_job :: past employer cut=for|before|until|as :: {I}(?:worked|used to work) (?:for|at|in) (?P<v>(?:an? |the )?.+)
job :: cut=at|for|in|with|near :: {ME}(?:work|worked|freelance|serve|moonlight)(?: (?:from home|part[- ]time|full[- ]time|nights|remotely|here|there|mostly))? as (?:an?|the|our)? ?(?P<v>.+)
job :: job cut=at|for|in|with|by|on|from|near|who :: {AM}(?:an?|the) (?P<v>.+)
job ::  :: {IM}(?P<v>retired|self-employed|unemployed|between jobs|a stay-at-home (?:mum|mom|dad|parent))\b
job :: job cut=at|for|in|with|since :: i've been (?:an? )(?P<v>.+)
job :: cut=at|for|in|since :: {IM}(?:employed|working|training|studying to (?:be|become)|qualifying) as (?:an? )(?P<v>.+)
job ::  :: {IM}(?:working |employed )?in (?P<v>{WORK_FIELDS})\b
job ::  :: {ME}work in (?P<v>{WORK_FIELDS})\b
job :: job cut=at|for|which :: {MINE} (?:day |current |new |main )?(?:job|profession|occupation|trade|line of work|career)(?:'s| is)(?: being)?(?: an?)? (?P<v>.+)
job :: np cut=at|for|which :: {MINE} (?:day |current |new |main )?(?:job|profession|occupation|trade|line of work|career)(?:'s| is| involves)(?: in)? (?P<v>(?!killing\b|boring\b|driving\b|making\b|getting\b|stressing\b|going\b|taking\b|paying\b|being\b|eating\b|draining\b|giving\b|asking\b|keeping\b)[a-z]+ing .+)
job :: job :: as an? (?P<v>[^,]{{3,30}}), (?:i|my|we)\b
diet ::  :: as an? (?P<v>vegan|vegetarian|pescatarian|teetotaller), (?:i|my|we)\b
job :: np :: {ME}(?P<v>[a-z]+ [^,]{{2,40}}?) for a living
job :: np :: {ME}(?:earn|make) (?:my|a|our) living (?:as an? |by |from |with |out of )?(?P<v>.+)
job :: np cut=to|at|in|since :: (?:{ME}|{IM})(?P<v>(?:teach|teaching) (?!myself|you|him|her|them|me|my)[^,]+)
job ::  :: {ME}(?P<v>drive (?:an? )?(?:[a-z-]+ )?(?:taxi|cab|bus|truck|lorry|van|train|tram|ambulance|forklift|uber))s?\b
job ::  :: {I}(?P<v>(?:run|own|manage|have) (?:an?|my own|our own|the)(?: [a-z-]+){{0,3}}? (?:bakery|shop|cafe|business|company|restaurant|farm|salon|studio|bar|pub|hotel|agency|bookshop|bookstore|gallery|clinic|nursery|startup|firm|b&b|garage|vineyard|brewery|school|store|food truck|practice))\b
job ::  :: {ME}(?P<v>(?:sell|design|build|repair|fix|restore|translate|edit|breed|grow|make|do) (?:houses|cars|insurance|software|websites|web design|apps|furniture|clocks|shoes|wedding cakes|video games|games|books|clothes|hair|nails|bikes|boats|data science|graphic design|accounting|it support|tech support|research))\b
job :: cut=at|for|in|with :: (?:{I})(?:got|landed|started|accepted|took|have) (?:an? |my )?(?:new )?job as (?:an? )(?P<v>.+)
job :: job cut=at|for|in|with|last|this :: (?:{I})(?:became|qualified as|got promoted to|was promoted to|trained as) (?:an? )?(?P<v>.+)
job :: job gone :: i'm (?:not|no longer) (?:an? )(?P<v>.+?)(?: anymore| any longer)?$
employer :: employer cut=as|in|since|these|on :: (?:{ME}|{IM})(?:work|working|employed|interning|intern)(?: [a-z]+ly| part[- ]time| full[- ]time| nights| remotely| there)? (?:for|at|with|by) (?P<v>.+)
employer :: employer cut=as|in|last :: (?:{I})?(?:just )?(?:got|was|been|am|'m) (?:just )?hired (?:by|at) (?P<v>.+)
employer :: employer strict cut=as|in|last :: (?:{I})(?:joined|started at|started working (?:at|for)|started (?:an?|my) (?:new )?job (?:at|with|for)|(?:just )?signed (?:a contract )?with|got a job (?:at|with)|landed a job (?:at|with)|have a (?:new )?job (?:at|with)|switched to) (?P<v>.+)
employer :: employer strict :: {MINE} (?:employer|company|firm)(?:'s| is| is called) (?P<v>.+)
employer :: place gone :: i (?:don't|no longer) work (?:for|at) (?P<v>.+)
employer :: employer strict gone cut=last|after|in :: i(?:'ve)? (?:quit|left|resigned from) (?P<v>.+)
schedule ::  :: (?:{ME}|{IM})(?:work|working|on|do|doing)(?: mostly| only| the)? (?P<v>(?:the )?(?:night|day|early|late|evening|graveyard|morning)s?(?: shifts?)?|weekends|(?:rotating |split )?shifts|part[- ]time|full[- ]time|from home|remotely|four days a week|three days a week|a (?:four|three)-day week)\b(?! school)
schedule :: np :: my (?:shifts?|work(?:ing)? (?:day|hours)|workday) (?:is|are|starts?|begins?|runs?)(?: at| from)? (?P<v>.+)
school :: place cut=since :: {I}(?:study|go to school|go to university|go to college|went to university|went to college) (?:at|in) (?P<v>.+)
school :: place :: (?:{IM}|{ME})(?:an? )?(?:[a-z]+ )?(?:student|studying|undergraduate|enrolled|sophomore|junior|freshman|phd student)(?: [a-z ]+?)? at (?P<v>.+)
school :: place :: (?:{ME}|{IM})(?:study|studying|studied|read|reading|doing my [a-z]+)(?: [a-z ]{{2,30}}?)?? at (?P<v>.+)
field_of_study :: field np cut=at|in|to|since|for|before|right :: (?:{ME}|{IM})(?:study|studying|majoring in|major in|majored in|studied|reading)(?P<v> (?!at\b|for\b|to\b|hard\b|a lot|all\b|every\b|abroad|in\b|my\b|your\b|the\b|this\b|about\b|with\b|books?\b|it\b|up\b|an?\b|that\b|alone|now\b|online).+)
field_of_study :: np cut=at|in|from :: (?:{ME}|{IM})(?:doing|do|did|got|finishing|have|hold|finished|working on|pursuing|starting|taking) (?:an?|my) (?:[a-z]+ )?(?:phd|ph\.d|doctorate|masters?|master's|ma|msc|mba|ba|bsc|degree|bachelors?|bachelor's|diploma|apprenticeship|course)(?: degree)? in (?P<v>.+)
field_of_study :: np field :: {AM}(?:an? )?(?:[a-z-]+[- ]year )?(?P<v>[a-z ]{{3,25}}?) (?:student|major|undergrad|undergraduate|phd student)\b
field_of_study :: np :: my (?:major|degree|phd|thesis|masters?|master's)(?: thesis| degree)?(?:'s| is| was)(?: in| on| about) (?P<v>.+)
"""),
    *_kin("partner"),
    *_kin("mother"),
    *_kin("father"),
    *_kin("child"),
    *_kin("sibling"),
    *_kin("relative"),
    *_kin("colleague"),
    *_kin("friend"),
    *read_rules(rf"""
friend :: kin :: (?:a|one of my) (?P<k>friends?)(?: of mine)?(?: called| named|,) (?P<v>.+)
child :: household :: {HAVE}(?P<v>(?:an?|one|two|three|four|five|six|\d) (?:[a-z-]+ ){{0,3}}?(?:kids?|child|children|sons?|daughters?|boys|girls|grandchildren|stepchildren|stepsons?))\b(?! (?:of a|in my class))
child :: household :: {HAVE}(?P<v>twins|triplets|twin (?:boys|girls|daughters|sons))\b
child :: np :: {AM}an? (?:[a-z]+ )?(?:mum|mom|mother|dad|father|parent) (?:of|to) (?P<v>.+)
sibling :: household :: {HAVE}(?P<v>(?:an?|one|two|three|four|five|\d|no) (?:[a-z-]+ ){{0,2}}?(?:brothers?|sisters?|siblings?|twin))\b(?!-)
sibling ::  :: {AM}(?P<v>an only child)
sibling ::  :: {AM}the (?P<v>(?:youngest|eldest|oldest|middle)(?: child| one)? of {NUMBER}(?: children| kids| siblings)?)
pet :: kin animal :: {MINE} (?:{_NO_VERB}[a-z0-9-]+ ){{0,3}}?(?P<k>{ANIMALS})s?(?:'s name(?: is|'s)|s' names are| (?:is|are) (?:called|named)|'s called|,? named|,? called|,| is)? (?P<v>.+)
pet :: kin animal head :: (?P<v>.{{2,30}}?)(?: is|,|'s) (?:my|our) (?:[a-z-]+ ){{0,3}}?(?P<k>{ANIMALS})\b
pet :: pet :: {GOT} (?:just )?(?P<v>{_ONE}\b(?: with [a-z ]{{3,20}}?| from the [a-z]+)?(?!'|-| (?:allergy|person|lover|phobia|food|walker|sitter|problem|shop|costume|video|plush|toy|suit|show))(?:{_NAMED}.+)?)
pet :: pet :: there(?:'s| is) (?P<v>{_ONE}(?:{_NAMED}.+)?)(?= (?:in|on|under|at) my\b)
pet :: pet :: (?P<v>{_ONE}{_NAMED}.+?)(?= (?:shares|rules|sleeps|lives)\b.* (?:my|our|with (?:me|us))\b)
allergy :: list np allergen :: (?:{IM}|{ME}|i was born )(?:allergic|intolerant) to (?P<v>.+)
allergy :: list np allergen :: {HAVE}(?:an? )?(?:[a-z]+ )?allergy to (?P<v>.+)
allergy :: np :: {HAVE}an? (?:severe |bad |nasty |mild |serious |life-threatening )?(?P<v>[a-z]+(?: [a-z]+)?) allergy\b
allergy :: np :: .{{0,60}}?\bmy (?P<v>(?!bad\b|severe\b|food\b|awful\b|own\b)[a-z]+) allergy\b
allergy :: np head allergen :: (?P<v>[^,]{{2,40}}?)(?: always| really| just)? (?:makes? (?:me|my (?:eyes|nose|throat|face|skin|lips|tongue))(?: all)? (?:sneeze|itch|itchy|swell|swell up|wheeze|break out|cough|water|stream|close up|puff up|come out in .+)|gives? me (?:hives|a rash|an allergic reaction|anaphyla\w+)|brings? me out in .+|(?:could|would|will|can|might|almost|nearly) kill(?:ed)? me(?=,| literally|$)|sends? me (?:straight )?to (?:the )?(?:hospital|er|a&e)|triggers? my allerg\w+|set off my allerg\w+)
allergy :: np allergen :: i (?:break out|come out|swell up|get hives|get a rash|end up in hospital|can't breathe)(?: in [a-z ]+?)? (?:if|when|whenever|from|after|as soon as)(?: i| eating| touching)?(?: eat| touch| drink| even smell| have| see)? (?P<v>.+)
allergy :: gone :: i'm (?:not|no longer) (?:really )?allergic to (?P<v>.+)
allergy :: np allergen :: (?:one|an?|even an?|just an?|the (?:smallest|tiniest|slightest))(?: single| tiny| little)? (?:bite|whiff|sip|trace|drop|taste|sniff|spoonful|touch|crumb|hint|mouthful) of (?:anything with |anything containing )?(?P<v>[^,]{{2,40}}?)(?: and|,) (?:i|my|it's)\b.*(?:hospital|swell|throat|rash|hives|breathe|ambulance|wheez|itch|er\b|a&e|blotch|face)
dislikes :: np :: (?:the )?(?:smell|sight|taste|thought|sound|texture|idea|mere smell|mere sight|mere thought) of (?P<v>[^,]{{2,40}}?)(?: alone)? (?:makes? me (?:leave|gag|sick|ill|queasy|want|retch|shudder|cringe|nauseous|run|heave)|turns? my stomach|puts? me off|disgusts?|drives? me)
dislikes :: np head :: (?P<v>[^,]{{2,40}}?) (?:tastes? (?:like|of) (?:soap|dirt|cardboard|feet|medicine|mud|metal|sick|nothing)|turns? my stomach|sets? my teeth on edge|ruins? my (?:day|mood)|makes? me want to (?:leave|run|throw up|vomit|hide))
allergy :: np head allergen :: (?P<v>[a-z]+) and (?:i|me) (?:don't|do not|never) (?:get along|mix|agree)\b.*(?:hospital|swell|throat|rash|hives|breathe|itch|face)
dislikes :: np head :: (?P<v>[a-z]+) and (?:i|me) (?:(?:don't|do not|never) (?:get along|mix|agree)|are (?:sworn enemies|not friends))
dislikes :: np :: i (?:avoid|steer clear of|stay away from|shun) (?P<v>[^,]{{2,40}}?)(?: like the plague| at all costs| whenever i can|$)
diet ::  :: {AM}(?:an? )?(?:strict |lifelong )?(?P<v>vegan|vegetarian|pescatarian|pescetarian|flexitarian|veggie|lactose[- ]intolerant|gluten[- ]intolerant|gluten[- ]free|dairy[- ]free|celiac|coeliac|teetotal|keto|on a diet|on keto|on a (?:[a-z-]+) diet|macrobiotic)\b
diet ::  :: (?:i've been|{ME}(?:became|turned|went|eat|keep|follow|only eat)(?: an?)?) (?P<v>vegan|vegetarian|pescatarian|veggie|kosher|halal|gluten[- ]free|keto|plant-based|teetotal|sober)\b
child :: household :: {IM}(?:raising|bringing up)(?: my)? (?P<v>(?:an?|two|three|four|five|six|\d) (?:[a-z-]+ ){{0,3}}?(?:kids?|children|sons?|daughters?|boys|girls|teenagers|twins))\b
pet :: pet :: {I}(?:keep|breed|raise|have) (?P<v>(?:bees|chickens|hens|ducks|goats|koi|rabbits|pigeons|horses|alpacas|sheep|fish|tropical fish|snakes|cats|dogs|quails?))\b
religion ::  :: i was (?:raised|brought up|born) (?:as )?(?:an? )?(?P<v>{RELIGIONS})\b
lived_in :: place past :: (?:{I})?(?:moved|came|emigrated) (?:here|over)(?: to [a-z]+)? from (?P<v>.+)
past_job :: np past cut=before|until|for :: (?:{I})(?P<v>(?:taught|nursed|farmed|drove (?:a|buses|trucks|trains)|worked (?:on|in) (?:an? )?(?:oil|cruise|farm|factory|mine|shipyard|bank|school|hospital)[a-z ]*)[^,]*)
sport ::  :: {I}(?:go|am going|hit|went) to the (?P<v>gym|pool|climbing wall|dojo|boxing club|driving range|skate park)\b
sport :: :: {ME}(?:coach|referee|captain)(?: [a-z0-9' -]{{2,25}}?)?? (?P<v>{SPORTS})\b
hobby :: np :: {ME}(?P<v>volunteer (?:at|for|with|in|as) .+)
vehicle :: :: i (?:cycle|bike|scoot|drive|ride) to (?:work|school|uni)(?: (?:on|in))? (?P<v>(?:an?|my) [a-z -]+)
likes :: np :: (?:i|i'd|i'll)(?: always| would| will)? (?:choose|pick|take|prefer) (?P<v>[^,]{{2,30}}?) (?:over|to) (?!go\b|do\b|have\b|be\b|stay\b|wait\b)[a-z ]+
likes :: np taste :: {ME}(?:read|listen to|watch|eat|drink|cook)(?: almost| pretty much)? (?:a lot of|lots of|loads of|tons of|mostly|mainly|only|nothing but|tonnes of|too much) (?P<v>.+)
likes :: np taste :: {IM}(?:more of )?(?:an? )?(?P<v>(?:tea|coffee|dog|cat|beach|mountain|city|morning)) person\b
diet :: no :: i (?:don't|can't|never|won't|no longer|stopped|quit|haven't|gave up|avoid|cut out|refuse to)(?:'ve)? {_ADVERB}(?:eat(?:ing|en)?|touch(?:ed|ing)?|consume|do|tolerate|digest|have|had)? ?(?:any )?(?P<v>{FOODS})(?: (?:or|and|nor) (?:{FOODS}))*(?=$|[,.!]| (?:since|when|anymore|at all|because|for|so|in|any|these|as|years|or)\b)
diet :: no :: i (?:don't|can't|never|won't|no longer|stopped|quit|gave up|avoid|cut out) {_ADVERB}(?:drink(?:ing)?|touch|do) ?(?:any )?(?P<v>{DRINKS})(?=$|[,.!]| (?:since|when|anymore|at all|because|for|so|in|or|any|these|as|years)\b)
condition :: have :: (?:{HAVE}|{ME}|{IM})(?:been |get |suffer(?:ed|ing)? from |living with |live with |struggling with |struggle with |battling |had |dealing with |recovering from )?(?:an? |severe |mild |chronic |bad |really bad |terrible |clinical |a touch of |early-onset )*(?P<v>{CONDITIONS})\b(?! (?:medication|meds|pills|tablets|about|over|attack|every time))
condition :: np :: (?:{IM}|i was |i've just been |i got )(?:just |recently |finally |first )?diagnosed (?:with|as)(?: having)? (?P<v>.+)
condition :: np :: the doctors? (?:said i have|found|diagnosed me with|told me i have) (?P<v>.+)
condition ::  :: {IM}(?P<v>{CONDITION_ADJECTIVES})\b(?! (?:to|spot|date|about))
condition ::  :: i wear (?P<v>hearing aids|glasses|contact lenses|a prosthe\w+|a pacemaker|an insulin pump)
condition ::  :: .{{0,80}}?\bmy (?P<v>{CONDITIONS})\b(?! (?:medication|meds|pills|tablets))
medication ::  :: (?:{ME}|{IM})(?:take|taking|on|use|using|inject|need|carry|prescribed|put on)(?: an?| my| some| daily)? (?P<v>{MEDICINES})\b
medication ::  :: .{{0,60}}?\bi (?:always )?carry (?P<v>an? (?:epipen|inhaler))
fear :: list np :: (?:{IM}|{ME})(?:got |grew )?(?:afraid|scared|terrified|frightened|petrified|phobic)(?: to death| stiff| as hell)? of (?P<v>.+)
fear :: list np :: {HAVE}(?:an? )?(?:[a-z]+ ){{0,2}}?(?:fear|phobia|terror|horror) of (?P<v>.+)
fear ::  :: (?:{IM}|{HAVE})(?P<v>(?:claustro|arachno|agora|acro|aero|hemo|emeto|trypo|coulro|xeno|ophidio|cyno)phobi[ac])\b
fear :: np head :: (?P<v>[^,]{{2,40}}?)(?: really| absolutely| always| just| still)? (?:scares?|terrif(?:y|ies)|frightens?|petrif(?:y|ies)|freaks?|creeps?|spooks?)(?: the [a-z]+ out of)? me(?: out| stiff| to death| silly)?(?=$|[,.!]| (?:so|since|more|and|like|even)\b)
fear :: np head :: (?P<v>[^,]{{2,40}}?) (?:gives?|give) me (?:the creeps|nightmares|panic attacks|the heebie-jeebies|goosebumps)
fear :: np :: i (?:panic|get panicky|have panic attacks|freak out|freeze)(?: on| around| in| at the sight of| near| when i see) (?P<v>.+)
fear :: np head :: (?P<v>[^,]{{2,40}}?) (?:makes? my (?:knees (?:go )?(?:weak|wobble|shake|tremble)|palms sweat(?:y)?|heart (?:race|pound)|blood run cold|legs (?:go )?(?:jelly|weak|shake))|makes? me (?:freeze|tremble|panic|scream))
"""),
    *_favourite(
        "favorite_food",
        "food|dish|meal|dessert|snack|cuisine|fruit|vegetable|cake|ice cream|pizza|pasta|soup|breakfast|sweet|candy|cheese|comfort food|sandwich|takeaway",
    ),
    *_favourite("favorite_drink", "drink|beverage|beer|wine|cocktail|tea|coffee|juice|whisky|soda"),
    *_favourite("favorite_color", "colou?r"),
    *_favourite(
        "favorite_music",
        "music|band|singer|song|album|composer|musician|musical artist|music genre|rapper|opera|symphony",
    ),
    *_favourite("favorite_book", "book|novel|author|writer|poem|poet|comic|play|series of books"),
    *_favourite("favorite_film", "film|movie|director|actor|actress|show|tv show|series|tv series|anime|sitcom"),
    *_favourite(
        "favorite_place",
        "place|city|country|spot|beach|park|restaurant|cafe|museum|island|town|holiday destination|destination",
    ),
    *_favourite("favorite_season", "season|time of (?:the )?year"),
    *_favourite("favorite_animal", "animal|bird|dog breed|breed"),
    *_favourite(
        "likes",
        "game|video game|board game|sport|subject|flower|tree|holiday|painter|artist|painting|shop|podcast|toy|hobby|pastime|smell|number|day of the week|philosopher|scientist",
    ),
    *read_rules(rf"""
team :: place cut=for|since :: {ME}(?:support|root for|cheer for|barrack for|back) (?P<v>.+)
team :: place :: {AM}an? (?:(?:big|huge|lifelong|life-long|die-hard|proud|long-suffering|keen|massive|loyal|devoted) )*(?P<v>.+?) (?:supporter|season ticket holder)\b
team :: place :: my (?:favou?rite )?(?:football |soccer |basketball )?(?:team|club)(?:'s| is| are) (?P<v>.+)
hobby :: np :: (?:{ME}|{IM})(?:collect|collecting) (?P<v>(?!my\b|the\b|data|points|dust|it\b|them\b).+)
hobby :: list np :: {MINE} (?:main |favou?rite |big |biggest |new |only |other )?(?:hobby|hobbies|pastimes?|passions?|thing)(?:'s| is| are| include)(?: mostly)? (?P<v>.+)
hobby :: np head :: (?P<v>[^,]{{2,40}}?)(?: is|'s| are) (?:my (?:main |big |biggest |favou?rite |new |only |great |true )?(?:hobby|pastime|passion|thing|happy place|jam|escape)\b)
hobby :: np :: in (?:my|our) (?:free|spare) time,? (?:i|we) (?:really |usually |mostly |often |mainly |always )?(?:like to |love to |enjoy |like |love |try to )?(?P<v>.+)
hobby :: np :: {I}(?:spend|spent) (?:my|most of my|all my|our) (?:free time|spare time|weekends|evenings|sundays|saturdays|days off|holidays|time off|summers)(?: on)? (?P<v>[a-z]+ing\b.*)
sport ::  :: (?:{I}|{IM})(?:go|going|do|doing|practi[sc]e|practi[sc]ing|took up|taken up|taking up|started|love|enjoy|into|train in|training in|teach|competed in|compete in|been doing|tried)(?: some| a bit of| a lot of)? (?P<v>{EXERCISES})\b(?! (?:pictures|videos|shop|the))
hobby ::  :: (?:{I}|{IM})(?:go|going|do|doing|practi[sc]e|took up|taken up|started|love|enjoy|into|been doing|learning|dabble in|keen on)(?: some| a bit of| a lot of)? (?P<v>{PASTIMES})\b(?! (?:pictures|videos|the|a|for))
sport ::  :: (?:{I}|{IM})(?:play|playing|into|train in|coach|follow)(?: a bit of| some| for [a-z ]+)? (?P<v>{SPORTS})\b
instrument ::  :: (?:{I}|{IM})(?:play|playing|learning|learnt|learned|practi[sc]e|practi[sc]ing|taking|took up|taken up|picked up|studying|teach)(?: to play)?(?: the| an?| some)? (?P<v>{INSTRUMENTS})\b
instrument :: past :: i used to play (?:the )?(?P<v>{INSTRUMENTS})\b
sport :: freq :: {ME}(?P<v>{SPORT_VERBS})(?=$|,| (?:every|on|in the|most|twice|once|three|five|a lot|regularly|competitively|with my|with a|several|whenever|each|daily|at the|for fun|to work|before|after)\b)
hobby ::  :: {ME}(?P<v>{HOBBY_VERBS})(?=$|,| (?:every|on|in my|in the|most|twice|once|a lot|regularly|for fun|to relax|whenever|in a|old|little|scarves|jumpers|portraits|landscapes|water ?colou?rs|bread|my own)\b)
skill :: np only :: {ME}(?:know how to|can) (?P<v>(?:play|cook|juggle|sew|code|program|weld|ride|ski|swim|drive|sing|whistle|touch-type|read music|speak|knit|dance|draw|fix|build|bake|solder|surf|sail|do|fly|lift|run|write|recite|type|make) ?.*)
skill :: np only :: {AM}(?:good|great|excellent|skilled|decent|pretty good|brilliant|handy) (?:at|with) (?P<v>.+)
goal :: np :: what i(?:'d| would)?(?: really)? (?:want|love|like|dream of)(?: the most| most| more than anything)?(?: is|'s)(?: to) (?P<v>.+)
nickname :: name strict :: (?:everybody|everyone|people|they|the [a-z]+)(?: [a-z ]{{3,25}}?)?? (?:shouts?|yells?|hollers?) (?P<v>.+)
goal :: np :: {MINE} (?:[a-z-]+ )?(?:goal|dream|ambition|aim|bucket list item|resolution)(?: in life| this year| for this year)?(?:'s| is| would be) (?P<v>(?:to |an? |the |my |[a-z]+ing ).+)
goal :: np :: (?:{ME}|{IM})(?:dream(?:ing)?|fantasi[sz]e) (?:of|about) (?P<v>[a-z]+ing\b.+)
goal :: np :: {ME}(?:want|hope|aim|aspire|would like|'d like|'d love|long|intend) to (?P<v>(?:become|learn (?!more|about|how you)|publish|open|start (?:a|my)|run (?:a|the|my)|buy (?:a|my)|own|climb|sail|retire|lose weight|quit|visit|travel to|see the|write a (?:book|novel)|get (?:fit|my|a degree|a phd)|move (?:to (?!the\b)|abroad)|be (?:an?|the) [a-z]+|adopt|have (?:kids|children)|master|build my|go back to)\b.*)
goal :: np :: {ME}(?:want|hope|aim|would like|'d like|'d love|would love|plan) to (?P<v>.+?) (?:one day|someday|some day|before i die|by the time i'm .+|before i turn .+)
goal :: np :: (?:one day|someday),? (?:i|we)(?:'d| would| want| hope|'ll| will)(?: love| like)?(?: to)? (?P<v>.+)
goal :: np only :: (?:{IM}|{ME})(?:hoping|trying|aiming|determined|working hard|saving(?: up)?|training)(?: to| for) (?P<v>(?:quit|learn (?!about|more)|lose|open|buy|become|get (?:my|fit|into)|write an? (?:book|novel|memoir|thesis)|publish|start (?:a|my)|run (?:an?|the|my)|save|an? (?!few|lot|good|new way)|the (?!best|right)|my) ?.+)
plan :: np :: {IM}(?:planning|getting ready)(?: to| on| a)? (?P<v>.+)
plan :: np :: {I}(?:plan|intend) to (?P<v>.+)
plan :: np :: (?:{IM})(?:going to )?(?P<v>(?:get(?:ting)? married(?! to (?:my|the)\b)|hav(?:e|ing) a baby|expecting|start(?:ing)? (?:a|my|at|uni\w*|university|college|school)\b|mov(?:e|ing) (?:to|in|out|house|abroad)\b|retir(?:e|ing)\b|adopt(?:ing)?\b|buy(?:ing)? (?:a|our|my) (?:house|flat|home|car)|quit(?:ting)? my job|chang(?:e|ing) jobs|renovat(?:e|ing)\b).*)
travel_plan :: place cut=for|in|on|next|this|with|tomorrow|over :: {IM}(?:going|travelling|traveling|flying|off|heading|heading off|driving|going on holiday|going back|moving for a month|taking the train|cycling) to (?P<v>.+)
travel_plan :: place cut=for|in|on|next|this|with :: {I}(?:booked|have booked|bought|got|planned)(?: an?| our| my)? (?:trip|flights?|tickets?|holiday|train|cruise|week)(?: to| in| for) (?P<v>.+)
travel_plan :: place cut=for|in|on|next|this|with :: {IM}(?:visiting|planning a trip to|spending [a-z ]{{3,20}} in) (?P<v>.+)
visited :: place list :: i(?:'ve| have)(?: already| also| just)? (?:been to|visited|travelled to|traveled to|travelled around|been all over|backpacked (?:through|around)|seen) (?P<v>.+)
visited :: place list cut=for|in|on|with|last|two|three|when :: {I}(?:went to|visited|went on holiday to|travelled to|traveled to|got back from|came back from|backpacked (?:through|around)|went backpacking in|flew to|honeymooned in|was on holiday in) (?P<v>.+)
vehicle :: np cut=to|for|around|with|in|because|and :: (?:{ME}|{IM})(?:drive|driving|ride|riding|commute on|get around (?:on|by|in)|cruise around in) (?P<v>(?:an?|my|our)? ?(?:[a-z0-9'-]+ ){{0,3}}?(?:{VEHICLES})\b(?: [a-z0-9]+)?)
vehicle :: np :: (?:{I})(?:have|own|bought|got|just bought|traded it for|switched to)(?: myself)? (?P<v>(?:an?|my first) (?:[a-z0-9'-]+ ){{0,3}}?(?:{VEHICLES})\b)(?! (?:accident|problem|repair|lesson|ride|insurance|shop|trip|tour|rental|crash))
vehicle :: np :: my (?:[a-z]+ )?(?:car|bike|motorbike|ride|van|truck)(?:'s| is) (?P<v>an? .+)
vehicle :: gone :: {I}(?:sold|got rid of|scrapped|don't have|no longer have|crashed)(?: my| the| our) (?P<v>(?:[a-z0-9-]+ ){{0,2}}?(?:{VEHICLES}))\b
owns :: np :: {I}(?:own|possess) (?P<v>(?:an?|two|three|several|some|my own|over \d+|about \d+|\d+) .+)
owns :: np :: {I}(?:have|bought|got|got myself|just bought|inherited)(?: myself)? (?P<v>(?:an?|my own|our own) (?:[a-z0-9'-]+ ){{0,3}}?(?:{BELONGINGS}))\b(?! (?:party|problem|tour|question|in mind|idea|meeting))
dislikes :: list np taste :: (?:{I}|{IM})(?:hate|hating|dislike|detest|loathe|despise|abhor|resent|can't stand|can't bear|can't abide|can't tolerate|couldn't stand|won't touch|have always hated|always hated|grew to hate)(?: it when)? (?P<v>.+)
dislikes :: list np taste :: (?:i|we) {_ADVERB}(?:don't|didn't|never|wouldn't|no longer|'ve never)(?: {_ADVERB})?(?:really |much |ever |particularly )?(?:like|enjoy|care for|love|liked|enjoyed|cared for|been into|been keen on|been a fan of|go for)(?: at all)? (?P<v>.+)
dislikes :: list np taste :: i've never {_ADVERB}(?:liked|enjoyed|cared for|been into|been (?:a )?(?:big )?fan of|been keen on|understood the appeal of) (?P<v>.+)
dislikes :: list np taste :: (?:i'm |we're )?(?:really |so |definitely )?(?:not|never been|no)(?: {_ADVERB})?(?:really |exactly |particularly |much )?(?:of )?(?:an? )?(?:big |huge |great |massive )?(?:fan of|fond of|keen on|into|crazy about|mad about|wild about|one for) (?P<v>.+)
dislikes :: np head :: (?P<v>[^,]{{2,40}}?)(?: is|'s| are)(?: really|n't|not| so| just)*(?<=n't)(?: really| exactly| quite)? (?:my (?:thing|cup of tea|jam|bag|style|favou?rite)|for me)\b
dislikes :: np head :: (?P<v>[^,]{{2,40}}?)(?: is|'s| are) (?:really )?not (?:really |exactly |quite )?(?:my (?:thing|cup of tea|jam|bag|style)|for me)\b
dislikes :: np head :: (?P<v>[^,]{{2,40}}?) (?:drives? me (?:crazy|mad|nuts|insane|up the wall)|makes? me (?:gag|sick|cringe|nauseous|want to (?:scream|puke|leave))|disgusts? me|annoys? me|repels? me|grosses? me out|gets? on my nerves|bores? me(?: to (?:death|tears))?|irritates? me|makes? my (?:skin crawl|blood boil|stomach turn)|is my pet peeve|is a pet peeve)
dislikes :: np :: (?:what|the thing|something|one thing)(?: that)? i(?: really| absolutely| truly)? (?:hate|can't stand|dislike|loathe|despise|can't bear)(?: (?:the )?most| about [a-z ]+)?(?:'s| is| are) (?P<v>.+)
dislikes :: np :: (?:my|one of my) (?:biggest |number one |main )?(?:pet peeves?|pet hate)(?:'s| is| are) (?P<v>.+)
likes :: np :: (?:what|the thing|something|one thing)(?: that)? i(?: really| absolutely| truly)? (?:love|like|enjoy|adore)(?: (?:the )?most| best)?(?:'s| is| are) (?P<v>.+)
likes :: list np taste past_ok :: (?:{I})(?:like|love|adore|enjoy|dig|fancy|prefer|loved|cherish|worship|can't get enough of|couldn't live without|can't live without|have a soft spot for|have a thing for|have a weakness for|have a sweet tooth for|have always loved|always loved|have always liked|go crazy for) (?P<v>.+)
likes :: list np taste :: {IM}(?:fond of|crazy about|mad about|mad on|nuts about|wild about|into|passionate about|keen on|addicted to|obsessed with|hooked on|a sucker for|partial to|in love with|an? (?:[a-z]+ )?(?:lover|enthusiast|fan) of|an? (?:big |huge |great |massive |lifelong |die-hard )?(?:fan|lover) of|all about|really into) (?P<v>.+)
likes :: np fan :: {IM}an? (?:(?:big|huge|great|massive|lifelong|die-hard|real|total|keen|avid|bit of a) )*(?P<v>(?!morning|night|people|nice|good|bad|private|very|big|huge|great)[a-z0-9' -]{{2,25}}?) (?:fan|lover|enthusiast|buff|nerd|geek|addict|fanatic|aficionado|person|junkie)\b(?! of)
likes :: np :: (?:nothing|there's nothing|there is nothing)(?: ever)? (?:beats|like|better than|i love more than|makes me happier than|compares to) (?P<v>.+)
likes :: np head :: (?P<v>[^,]{{2,40}}?) (?:makes? me (?:so |really |very )?happy|is my guilty pleasure|is my weakness|is (?:always )?my go-to|never gets? old|always cheers? me up|relaxes me|calms me(?: down)?|fascinates? me|keeps? me sane)
likes :: np :: it's (?P<v>[a-z ]{{2,25}}) for me (?:now|these days|all the way)
likes :: np :: (?:just )?give me (?!an?\b|the\b|some\b|your?\b|five\b|three\b|two\b|ten\b|one\b|more\b|advice\b|ideas?\b|tips\b|\d)(?P<v>[^,]{{2,40}}?)(?: over [^,]+)?,? any (?:day|time)
likes :: np :: give me (?!an? (?:list|few)\b)(?P<v>[^,]{{2,40}}?) over [^,]+
likes :: np head :: (?P<v>[^,]{{2,40}}?)(?: is|'s) (?:what i (?:drink|eat|listen to|read|play|watch|cook)\b.*|what keeps me (?:going|sane|alive))
likes :: np head :: (?P<v>[^,]{{2,40}}?) (?:keeps? me (?:going|sane|young|fit|alive|happy)|clears? my head|is my life|is life|till i die|until i die|for life|all the way|makes? my day)
likes :: np taste :: i (?:can't (?:start|begin|survive|face|get through|function)(?: [a-z]+){{0,4}} without|never (?:say no to|turn down|tire of|get tired of)|(?:always )?go for|run on|could (?:spend|listen|watch)[a-z ]{{0,25}} (?:with|to)|would (?:die|do anything|kill) for|crave|swear by|treat myself to) (?P<v>.+)
likes :: np :: i (?:take|drink|have|like) my (?P<v>(?:coffee|tea|steak|eggs|pizza|toast) .+)
instrument ::  :: my (?P<v>{INSTRUMENTS}) and (?:i|me)\b
language :: lang list :: (?:we|my (?:family|parents|mum|mom|dad)) (?:always |only |mostly )?(?:spoke|speak|speaks|talked in) (?P<v>[a-z]+(?: and [a-z]+)?)(?: at home| growing up| to me| around the house)
birthday :: date :: (?:the day i was born|the day of my birth|my date of birth|my dob)(?: was| is|:)? (?:an? [a-z]+ |on )?(?P<v>.+)
birthday :: date :: i (?:came into the world|blow out my candles|celebrate my birthday|share a birthday [a-z ]+,) (?:on |every )?(?:the )?(?P<v>.+)
condition ::  :: my (?:joints?|lungs?|back|knees?|hearts?|heads?|eyes?|ears?|hands?|skin|stomach|hips?|body|blood|nerves?)\b.{{0,50}}?\b(?P<v>{CONDITIONS})\b
likes :: gone :: i (?:no longer|don't) (?:like|love|enjoy) (?P<v>.+?) (?:anymore|any longer)
likes :: gone :: i(?:'ve)? (?:went|gone|go) off (?P<v>.+)
dislikes :: gone :: i (?:no longer|don't) (?:hate|dislike|mind) (?P<v>.+)
name :: name strict :: (?:but )?my (?:passport|papers|birth certificate|badge|id|driving licence|mother) (?:says?|calls me) (?P<v>.+)
nickname :: name strict :: (?:the |my )?(?:kids|students|pupils|lads|guys|boys|girls|team|colleagues|neighbours|neighbors|mates|whole street|whole office|regulars|customers)(?: [a-z ]{{2,20}}?)?? (?:shout|call me|know me as|say|yell|calls me|knows me as) (?P<v>.+)
age :: :: (?P<v>{NUMBER}) candles (?:on|this|for|for me|for my)\b
pet :: pet :: (?P<v>{_ONE}{_NAMED}.+?)(?= (?:shares|rules|sleeps|lives|wakes|greets|screams|keeps|follows|waits|adopted|chose|moved in|has (?:moved|settled) in|owns|runs|bosses)\b.* (?:my|our|me|us)\b)
pet :: pet :: (?P<v>{_ONE})(?= (?:owns?|rules?|runs?|boss(?:es)?|shares?) (?:me\b|us\b|my (?:life|house|home|flat|sofa|bed)|the (?:house|sofa|flat) with me))
allergy :: np allergen :: (?:anything|everything|food|a meal) (?:with|containing|made with) (?P<v>[^,]{{2,30}}?)(?: in it)? and (?:i|my|it's)\b
allergy :: np allergen :: (?:just |even )?(?:one|a single|half an?) (?P<v>[a-z]+(?: [a-z]+)?)(?: and (?:i|my|it's)\b.*(?:hospital|swell|throat|rash|hives|breathe|ambulance|wheez|itch|a&e|blotch|face)| (?:could|would|can|will) (?:put|land|send) me in\b)
diet :: np head :: (?P<v>[^,]{{2,25}}?) (?:hasn't|haven't|has not|have not|never) (?:crossed|touched|passed) my lips
diet :: no :: (?:no|never any|not a gram of|not a drop of) (?P<v>{FOODS}|{DRINKS}) (?:for me|on my plate|in my (?:house|kitchen|fridge|glass))
diet :: no :: (?P<v>{FOODS}|{DRINKS}) (?:is|are) off(?:-limits| the (?:menu|table))(?: for me)?
fear :: np head :: (?P<v>[^,]{{2,40}}?) (?:makes? me (?:sweat|shake|dizzy|want to (?:run|hide))|sends? shivers down my spine|haunts? me|and (?:i|me) are not friends)
dislikes :: np taste :: you(?:'ll| will|'d| would) never (?:catch|see|find|get|hear) me (?:eat|eating|watch|watching|listening to|doing|drinking|wearing|ordering|playing) (?P<v>.+)
fear :: np :: you(?:'ll| will|'d| would) never (?:catch|see|find|get) me (?:on|in|near|up|inside|holding|touching) (?P<v>.+)
hobby :: np :: (?:my|most of my) (?:sundays?|saturdays?|weekends|evenings|nights|mornings|summers|free time|spare time|days off) (?:belongs? to|(?:is|are) (?:for|spent|reserved for|given over to|all about)|goes? (?:to|into|on)) (?:the |my )?(?P<v>.+)
hobby :: np head :: (?P<v>[^,]{{2,30}}?) (?:has|have) (?:eaten|swallowed|taken over|filled|stolen) (?:most of |all |half )?my (?:evenings|weekends|nights|life|free time|sundays)
hobby :: np :: you(?:'ll| will|'d| can)?(?: usually| always| often)? find me (?:at|in|on|out|by) (?:the |my |a )?(?P<v>(?!moment\b|work\b|office\b|home\b|bar at\b)[^,]+)
likes :: np :: (?:just )?(?:put on|play me|hand me|pour me|bring me|show me) (?:some |a |an )?(?P<v>[^,]{{2,40}}?) and i'm (?:happy|yours|in heaven|all yours|content|a happy)
likes :: np :: there(?:'s| is) always (?:an? )?(?:pot|cup|mug|glass|bottle|jar|bowl|bar|bag|stack|pile) of (?P<v>.+?)(?= (?:on|in|by|next to|at) my\b)
favorite_season :: :: (?P<v>spring|summer|autumn|winter) is when i\b
goal :: np :: (?:one of these days|sooner or later|before i die|one fine day|if it's the last thing i do),? (?:i'm going to|i'll|i want to|i'd like to|i will) (?P<v>.+)
travel_plan :: place cut=for|with|on :: (?:{I}|i'll |we'll )(?:be )?(?:[a-z]+ing )(?:in|around|through|across|to) (?P<v>.+?)(?= (?:this|next|in (?:january|february|march|april|may|june|july|august|september|october|november|december|spring|summer|autumn|winter))\b)
travel_plan :: place cut=for|with|on :: (?:i'll|we'll) be (?:hiking|travelling|traveling|cycling|sailing|skiing|diving|camping|backpacking|walking|surfing|trekking|sunbathing|in|visiting|honeymooning)(?: in| around| through| across| to)? (?P<v>.+)
language :: lang list :: (?:our|my) parents (?:raised|brought up) (?:us|me) (?:in|speaking|with|on) (?P<v>.+)
vehicle :: np cut=has|is|was|broke|will|just|still|needs|got|keeps :: my (?P<v>(?:(?:old|trusty|little|new|beloved|red|blue|green|rusty|battered|second-hand) )*(?:{BRANDS})\b(?: [a-z0-9]+)?)
instrument :: :: .{{0,60}}?\bmy (?:old |new |first |grandfather's |beloved )?(?P<v>guitar|violin|viola|cello|drum kit|drums|flute|sax(?:ophone)?|trumpet|trombone|harp|clarinet|accordion|ukulele|banjo|mandolin|harmonica|double bass|bagpipes|fiddle|piano)\b
instrument :: :: (?:{I})(?:got|dusted off|picked|dug out|took)(?: up| out)? (?:the |my )(?:old )?(?P<v>{INSTRUMENTS})\b
job :: np :: (?:all day(?: long)?|all week(?: long)?|day in,? day out|every working day|by day|from nine to five|nine to five|monday to friday),? i (?P<v>(?!sit\b|wait\b|sleep\b|cry\b|think\b|stare\b|am\b|was\b|have\b|had\b|felt\b|feel\b|do\b|did\b|just\b|want\b|could\b|worry\b)[a-z]+ .+)
hometown :: place :: i'm an? (?P<v>.+?) (?:lass|lad|girl|boy|native|gal)(?: at heart| born and bred| through and through)?(?=$|,)
partner :: kin as=partner :: (?:the love of my life|my one and only|my soulmate|my better half|my significant other)(?: is|'s|,|'s name is| is called)? (?P<v>.+)
nickname :: name strict :: (?:most |many )?(?:folks|people|friends|everyone|they|colleagues)(?: usually)? (?:shorten|shortens|abbreviate) (?:it|that|my name) to (?P<v>.+)
home :: place cut=with :: {I}(?:rent|renting|occupy|own|have taken over|took over)(?: [a-z -]{{3,50}}?)?? in (?P<v>.+)
hobby :: np :: {I}(?:spend|spent|waste|lose) (?:hours|ages|whole days|days|half my life|every spare minute|evenings)(?: on)? (?P<v>[a-z]+ing\b.*)
language :: lang list :: my (?P<v>[a-z]+) is (?:decent|rusty|good|basic|fluent|ok|okay|terrible|passable|getting better|better than|not bad|pretty good|excellent|so-so|poor)
travel_plan :: place cut=in|next|this|with|for :: (?:i |we )(?:can't wait|am looking forward|look forward)(?: to)? (?:see(?:ing)?|visit(?:ing)?|go(?:ing)? to|be(?:ing)? in|get(?:ting)? to|for) (?P<v>.+)
likes :: np taste :: i've an? (?:soft spot|thing|weakness|passion|sweet tooth) for (?P<v>.+)
likes :: np head :: (?P<v>[^,]{{2,40}}?) (?:is|are) my (?:drug of choice|drug|poison|vice|obsession|kryptonite|kind of thing|comfort|therapy|religion|one true love)\b
goal :: np :: i(?:'d| would) (?:give|do) (?:anything|everything|a lot) to (?P<v>.+)
partner :: kin as=spouse :: (?:i'm marrying|i'm going to marry|i married|i tied? the knot with|i'm tying the knot with|i eloped with|i (?:live|moved in) with my (?:boyfriend|girlfriend|partner)) (?P<v>.+)
"""),
)
