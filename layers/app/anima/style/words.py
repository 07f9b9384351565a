"""Little words that tell how somebody writes, in English and French; the only words of a style that are ever kept."""

from __future__ import annotations

GREETINGS = frozenset(
    "hello hi hiya hey heya yo sup howdy bonjour bonsoir coucou salut cc slt bjr wesh kikou".split()
) | {"good morning", "good afternoon", "good evening"}
LAUGHS = frozenset("lol lmao rofl haha hahaha hehe hihi mdr ptdr xd jpp héhé".split())
GOODBYES = frozenset("bye cya ttyl gn goodnight cheers bisous bises biz ciao cordialement sincerely regards".split())
MARKS = GREETINGS | LAUGHS | GOODBYES
"""What may be kept as a habit of somebody."""

CASUAL = frozenset(
    """lol lmao lmfao rofl omg omfg wtf idk idc tbh ngl imo imho btw brb gtg g2g ttyl wyd hbu wbu rn tmrw tmr tmw pls
    plz thx ty tysm np u ur y'all gonna wanna gotta dunno lemme gimme cuz coz bc tho thru ya yep yup nah nope bro
    bruh dude fam bestie sis sus cringe ugh meh yo sup wassup lmk jk fr smh af nvm ikr kk gn omw aint ain't innit
    haha hahaha hehe xd ima imma finna deadass bday prolly def obvs defo deffo wat wut luv cya sry
    mdr ptdr jsp jpp tkt tqt jsuis jvais jte jpeux jfais jmange jveux jcrois jsais jai g pk pq pcq psk qd qqn qqch tt
    bcp slt cc bjr stp dsl dac dacc oklm wesh frr frère frérot reuf meuf keuf mec mecs relou ouf chelou kiffe kiffer
    kiffé kif saoule soule flemme thune taf bouffe bouffer ouais ouaip oué nn chui chais chépa bg vazy askip
    tmtc tg osef balec wsh kikou biz kdo mtn ajd auj dmn vrmt ptn ptain putain bordel daron daronne reum""".split()
)
"""Words of chats and of the street."""

RELAXED = frozenset(
    """yeah ok okay cool stuff kinda sorta hey hi awesome congrats guys pretty totally mum mom dad kids crazy super nice
    gosh bah ben bof hein coucou salut bisous bises pote potes boulot truc trucs machin vachement sympa génial chouette
    nickel trop grave dis bon quoi copine copain t'as t'es""".split()
)
"""Words of everyday talk."""

FORMAL = frozenset(
    """shall whom upon nevertheless consequently furthermore moreover therefore thus hence regarding concerning
    sincerely obliged grateful kindly trust whether somewhat indeed precisely courteous assist enquire inquire require
    apologise apologize appreciate ought hitherto notwithstanding whilst particularly considerable considerably
    sufficiently permit madam sir esteemed ascertain forthwith
    pourriez auriez veuillez souhaiterais souhaiterait souhaiterions désirerais désirerait cordialement salutations
    néanmoins toutefois cependant afin lequel laquelle auquel fut furent eut puis-je époux épouse obligeance permettez
    saurais saurait madame monsieur mesdames messieurs agréer remercie volontiers convient achever ainsi soit quelque
    sauriez seriez voudriez avouer remarquable particulièrement davantage demeure sollicite""".split()
)
"""Words of letters and of courtesy."""

POLITE = (
    r"\b(?:(?:would|could|might|may) (?:you|i) (?:be so|please|perhaps|kindly|possibly|ask|trouble|be able)"
    r"|i (?:should|would) (?:very much )?(?:be|like|appreciate)|i am afraid|so good as to|if you would"
    r"|good (?:morning|afternoon|evening)|thank you|i (?:wonder|trust|fear|find|regret|must|confess) |to be relied"
    r"|je vous (?:prie|remercie|saurais)|il me (?:semble|plairait)|à mon sens|quelque peu|en vous remerciant"
    r"|\w+ez-vous|puis-je|ne saurait|je me permets|bien à vous|s'il vous plaît)"
)
"""Turns of courtesy."""

TU = frozenset("tu te toi ton ta tes t'as t'es tkt stp".split())
VOUS = frozenset("vous votre vos vôtre".split())
