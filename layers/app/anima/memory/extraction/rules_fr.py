"""Plain French statements of the first person, as patterns: what stands where in them. `rules` reads them."""

# ruff: noqa: E501 (a table: one statement a line)
from __future__ import annotations

NATIONALITIES = frozenset(
    "français française allemand allemande anglais anglaise américain américaine belge brésilien brésilienne canadien canadienne chinois"
    " chinoise espagnol espagnole grec grecque hollandais hollandaise indien indienne irlandais irlandaise italien italienne japonais"
    " japonaise libanais libanaise marocain marocaine mexicain mexicaine polonais polonaise portugais portugaise québécois québécoise"
    " roumain roumaine russe sénégalais sénégalaise suédois suédoise suisse syrien syrienne tunisien tunisienne turc turque ukrainien"
    " ukrainienne vietnamien vietnamienne algérien algérienne breton bretonne camerounais camerounaise ivoirien ivoirienne".split()
)
ANIMALS = "chien|chienne|chat|chatte|chaton|chiot|cheval|poney|lapin|hamster|perroquet|perruche|tortue|poisson rouge|serpent|furet|cochon d'inde|poule"
OCCUPATIONS = frozenset(
    "architecte avocat avocate comptable dentiste médecin pilote étudiant étudiante professeur prof vétérinaire juge mécanicien"
    " mécanicienne plombier cuisinier cuisinière infirmier infirmière sage-femme pompier policier policière facteur factrice boulanger"
    " boulangère pâtissier pâtissière libraire fleuriste journaliste musicien musicienne consultant consultante secrétaire serveur serveuse"
    " vendeur vendeuse coiffeur coiffeuse traducteur traductrice ingénieur ingénieure informaticien informaticienne développeur développeuse"
    " chercheur chercheuse agriculteur agricultrice maçon menuisier électricien électricienne chauffeur enseignant enseignante instituteur"
    " institutrice kiné kinésithérapeute pharmacien pharmacienne psychologue retraité retraitée photographe graphiste chef cheffe berger"
    " bergère apiculteur apicultrice notaire assistant assistante".split()
)
_ADVERBS = (
    r"(?:(?:vraiment|aussi|toujours|encore|juste|actuellement|maintenant|absolument|très|tellement|surtout|particulièrement|récemment"
    r"|désormais|plutôt|beaucoup|bien|franchement|simplement|souvent|énormément|gravement|profondément|sévèrement|complètement|enfin) )*"
)
LEAD = (
    r"(?:(?:bonjour|salut|coucou|bonsoir|alors|bon|bref|au fait|en fait|d'ailleurs|et|mais|oui|non|ah|oh|moi|sinon|sache que|note que"
    r"|rappelle-toi que|souviens-toi que|n'oublie pas que|pour info|franchement|honnêtement|à vrai dire|malheureusement|heureusement|luna"
    r"|personnellement|écoute|figure-toi que|tu sais|en plus)\b[\s,:!]*|[^,]{1,30}, ){0,4}"
)
_NAMED = r"(?:s'appelle|se nomme|se prénomme|c'est|est|,)? ?"
_ONE = rf"(?:un|une|deux|trois|quatre|2|3)(?: \w+)? (?:{ANIMALS})s?"

# As in rules_en: (key, pattern, how).
RULES: tuple[tuple[str, str, str], ...] = (
    ("name", r"\bje m'appelle (?P<v>.+)", "name"),
    ("name", r"\bmon (?:pré)?nom (?:est|c'est) (?P<v>.+)", "name"),
    ("name", r"\bmoi,? c'est (?P<v>.+)", "name strict"),
    ("name", r"\bje suis (?P<v>[^\s,].*)", "name strict alone"),
    ("nickname", r"\b(?:on|mes amis|mes potes|tout le monde|les gens) m'appelle(?:nt)? (?P<v>.+)", "name strict"),
    ("nickname", r"\b(?:appelle-moi|appelez-moi) (?P<v>.+)", "name strict"),
    ("age", r"\bj'ai (?P<v>\d{1,3}|[\w-]+(?: et \w+)?) ans\b", ""),
    ("age", r"\bje viens d'avoir (?P<v>\d{1,3}|[\w-]+) ans\b", ""),
    ("birthday", r"\bmon anniversaire,? (?:est|c'est|tombe)(?: le)? (?P<v>.+)", ""),
    ("birthday", r"\bje suis née? le (?P<v>.+)", "cut=à"),
    ("nationality", rf"\bje suis {_ADVERBS}(?:de nationalité )?(?P<v>\w+)$", "nationality"),
    (
        "religion",
        r"\bje suis (?P<v>musulmane?|chrétienn?e?|catholique|protestante?|juive?|bouddhiste|hindoue?|athée|agnostique)\b",
        "",
    ),
    (
        "marital_status",
        rf"\bje suis {_ADVERBS}(?P<v>mariée?|célibataire|divorcée?|veufe?|veuve|fiancée?|pacsée?)\b",
        "",
    ),
    (
        "language",
        rf"\bje parle {_ADVERBS}(?:couramment )?(?P<v>(?:français|anglais|allemand|espagnol|italien|portugais|arabe|russe|chinois|japonais|néerlandais|polonais|breton|turc).*)",
        "list",
    ),
    ("language", r"\bma langue maternelle,? (?:est|c'est) (?P<v>.+)", ""),
    ("home", rf"\bj'habite {_ADVERBS}(?:à|au|aux|en|dans|sur|près de) (?P<v>.+)", "place cut=avec"),
    ("home", rf"\bje (?:vis|loge|réside) {_ADVERBS}(?:à|au|aux|en|dans) (?P<v>.+)", "place cut=avec"),
    ("home", rf"\bj'ai {_ADVERBS}(?:déménagé|emménagé) (?:de .+? )?(?:à|au|aux|en) (?P<v>.+)", "place cut=avec"),
    ("home", rf"\bje me suis {_ADVERBS}installée? (?:à|au|aux|en) (?P<v>.+)", "place cut=avec"),
    ("home", r"\bje (?:n'habite|ne vis) plus (?:à|au|aux|en) (?P<v>.+)", "place gone"),
    ("hometown", r"\bje (?:viens|suis originaire) (?:de |d'|du )(?P<v>.+)", "place"),
    ("hometown", r"\b(?:j'ai grandi|je suis née?) (?:à|au|aux|en) (?P<v>.+)", "place"),
    ("lived_in", r"\bj'(?:habitais|ai habité|ai vécu) (?:avant )?(?:à|au|aux|en) (?P<v>.+)", "place cut=pendant"),
    ("job", rf"\bje (?:travaille|bosse) {_ADVERBS}comme (?P<v>.+)", "cut=à|dans|chez|pour|au"),
    ("job", rf"\bje suis {_ADVERBS}(?:une? )?(?P<v>.+)", "job cut=à|dans|chez|pour|au|en"),
    ("job", r"\bmon (?:métier|boulot|travail),? (?:est|c'est) (?P<v>.+)", "cut=à|dans|chez"),
    ("past_job", r"\b(?:avant,? )?j'étais (?:une? )?(?P<v>.+)", "job cut=à|dans|chez"),
    ("employer", rf"\bje (?:travaille|bosse) {_ADVERBS}(?:chez|pour|à la|au) (?P<v>.+)", "place cut=comme|à"),
    ("schedule", r"\bje (?:travaille|bosse) (?P<v>(?:de|la) nuit|le week-end|à mi-temps|à temps partiel)\b", ""),
    ("school", r"\bj'étudie à (?P<v>.+)", ""),
    (
        "field_of_study",
        r"\b(?:j'étudie|je fais des études de|je fais des études d'|j'ai étudié) (?P<v>(?!à ).+)",
        "cut=à",
    ),
    (
        "partner",
        rf"\b(?:ma|mon) (?P<k>femme|mari|copine|copain|compagne|compagnon|conjointe?|épouse|époux|fiancée?),? {_NAMED}(?P<v>.+)",
        "kin",
    ),
    ("mother", rf"\bma (?P<k>mère|maman),? {_NAMED}(?P<v>.+)", "kin"),
    ("father", rf"\bmon (?P<k>père|papa),? {_NAMED}(?P<v>.+)", "kin"),
    ("child", rf"\b(?:ma|mon) (?:\w+ )?(?P<k>fils|fille|bébé|aîné|aînée|cadet|cadette),? {_NAMED}(?P<v>.+)", "kin"),
    ("child", r"\bj'ai (?P<v>(?:une?|deux|trois|quatre|cinq|\d) (?:\w+ )?(?:enfants?|fils|filles?|garçons?))\b", ""),
    ("sibling", rf"\b(?:ma|mon) (?:\w+ )?(?P<k>sœur|soeur|frère|jumeau|jumelle),? {_NAMED}(?P<v>.+)", "kin"),
    ("sibling", r"\bj'ai (?P<v>(?:une?|deux|trois|quatre|cinq|\d) (?:\w+ )?(?:frères?|sœurs?|soeurs?))\b", ""),
    (
        "relative",
        rf"\b(?:ma|mon) (?P<k>grand-mère|grand-père|mamie|papi|oncle|tante|cousine?|neveu|nièce),? {_NAMED}(?P<v>.+)",
        "kin",
    ),
    (
        "friend",
        rf"\b(?:ma|mon) (?:meilleure? |plus vieille? )(?P<k>amie?|pote|copine|copain),? {_NAMED}(?P<v>.+)",
        "kin",
    ),
    ("colleague", rf"\b(?:ma|mon) (?P<k>chef|cheffe|patronne?|collègue|manager),? {_NAMED}(?P<v>.+)", "kin"),
    ("pet", rf"\b(?:ma|mon) (?:\w+ )?(?P<k>{ANIMALS}),? {_NAMED}(?P<v>.+)", "kin"),
    (
        "pet",
        rf"\bj'ai (?:adopté |acheté |recueilli )?(?P<v>{_ONE}(?:,? (?:qui s'appelle|nommée?|appelée?) .+)?)",
        "pet",
    ),
    ("allergy", rf"\bje suis {_ADVERBS}allergique (?:à la |à l'|aux |au |à )(?P<v>.+)", "list"),
    ("allergy", r"\bje ne suis (?:pas|plus) allergique (?:à la |à l'|aux |au |à )(?P<v>.+)", "gone"),
    (
        "condition",
        r"\bj'ai (?:du |de la |de l'|un |une |des )?(?P<v>diabète|asthme|épilepsie|migraines|arthrose|insomnies|hypertension|rhume des foins)\b",
        "",
    ),
    ("condition", rf"\bje suis {_ADVERBS}(?P<v>diabétique|asthmatique|épileptique|insomniaque|daltonienn?e?)\b", ""),
    (
        "diet",
        rf"\bje suis {_ADVERBS}(?:devenue? )?(?P<v>végane?|végétarienn?e?|végétalienn?e?|intolérante? au \w+)\b",
        "",
    ),
    (
        "diet",
        r"\bje ne mange (?:pas|plus|jamais) (?:de |d')(?P<v>viande|porc|bœuf|boeuf|poisson|gluten|sucre|œufs|oeufs)\b",
        "no",
    ),
    (
        "fear",
        rf"\bj'ai {_ADVERBS}(?:une )?(?:peur|phobie|horreur panique) (?:bleue )?(?:des |du |de la |de l'|de |d')(?P<v>.+)",
        "list",
    ),
    ("favorite_food", r"\bmon (?:plat|dessert|repas) (?:préféré|favori),? (?:est|c'est) (?P<v>.+)", ""),
    ("favorite_drink", r"\bma boisson (?:préférée|favorite),? (?:est|c'est) (?P<v>.+)", ""),
    ("favorite_color", r"\bma couleur (?:préférée|favorite),? (?:est|c'est) (?P<v>.+)", ""),
    (
        "favorite_music",
        r"\b(?:mon groupe|mon chanteur|ma chanteuse|ma chanson|ma musique) (?:préférée?|favorie?|favorite),? (?:est|c'est) (?P<v>.+)",
        "",
    ),
    ("favorite_book", r"\bmon (?:livre|roman) (?:préféré|favori),? (?:est|c'est) (?P<v>.+)", ""),
    ("favorite_film", r"\bmon film (?:préféré|favori),? (?:est|c'est) (?P<v>.+)", ""),
    (
        "favorite_place",
        r"\b(?:mon endroit|ma ville|mon pays) (?:préférée?|favorie?|favorite),? (?:est|c'est) (?P<v>.+)",
        "",
    ),
    ("favorite_season", r"\bma saison (?:préférée|favorite),? (?:est|c'est) (?P<v>.+)", ""),
    ("favorite_animal", r"\bmon animal (?:préféré|favori),? (?:est|c'est) (?P<v>.+)", ""),
    ("team", r"\bje supporte (?P<v>(?:le |la |l'|les )?[A-Z].+)", "place"),
    ("likes", rf"\bj'(?:aime|adore) {_ADVERBS}(?P<v>.+)", "list"),
    (
        "likes",
        rf"\bje suis {_ADVERBS}(?:fan|fou|folle|passionnée?|dingue|amateur) (?:de |d'|du |des )(?P<v>.+)",
        "list",
    ),
    ("dislikes", rf"\bje (?:déteste|hais|exècre|méprise) {_ADVERBS}(?P<v>.+)", "list"),
    ("dislikes", rf"\bje n'aime (?:pas|guère|vraiment pas|plus|pas du tout) {_ADVERBS}(?P<v>.+)", "list"),
    ("dislikes", rf"\bje ne (?:supporte|peux) (?:pas|plus)(?: supporter| sentir)? {_ADVERBS}(?P<v>.+)", "list the"),
    ("dislikes", r"\bj'ai horreur (?:des |du |de la |de l'|de |d')(?P<v>.+)", "list"),
    ("hobby", r"\bmon (?:passe-temps|loisir)(?: préféré| favori)?,? (?:est|c'est) (?P<v>.+)", "list"),
    (
        "sport",
        r"\bje (?:joue au|fais du|fais de la|fais de l'|pratique le|pratique la) (?P<v>foot\w*|tennis|basket\w*|volley\w*|rugby|hand\w*|natation|escalade|judo|vélo|escrime|aviron|course à pied|ping-pong|échecs|yoga|équitation)\b",
        "",
    ),
    (
        "instrument",
        r"\bje joue (?:du |de la |de l'|des )(?P<v>piano|guitare|violon|violoncelle|batterie|flûte|basse|saxophone|trompette|harpe|clarinette|accordéon)\b",
        "",
    ),
    ("goal", r"\bmon (?:\w+ )?(?:but|rêve|objectif|ambition),? (?:est|c'est) (?:de |d')(?P<v>.+)", ""),
    ("plan", r"\bj'ai prévu (?:de |d')(?P<v>.+)", ""),
    ("plan", r"\bje (?:compte|prévois) (?:de |d')?(?P<v>\w+(?:er|ir|re)\b.*)", ""),
    (
        "travel_plan",
        r"\bje (?:pars|vais partir|m'envole) (?:en voyage )?(?:pour|à|au|aux|en) (?P<v>.+)",
        "place cut=pour|avec|en|la|le|cet",
    ),
    ("visited", r"\bj'ai (?:visité|découvert) (?P<v>.+)", "place list"),
    ("visited", r"\bje suis (?:déjà )?allée? (?:à|au|aux|en) (?P<v>.+)", "place cut=pour|avec|en"),
    ("vehicle", r"\bje (?:conduis|roule en) (?P<v>.+)", "place"),
    ("owns", r"\bje possède (?P<v>une? .+)", ""),
)
