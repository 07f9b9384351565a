"""French statements as patterns of the plain form of a clause (small letters, no accents, full forms). `rules` reads them.

What stands where: subject and verb by class (dwelling, working, having, liking …), and the value as group v.
"""

# ruff: noqa: E501 (a table: one statement a line)
from __future__ import annotations

from anima.memory.extraction.numbers import NUMBER
from anima.memory.extraction.tables import Rows, read_rules
from anima.memory.extraction.words_fr import (
    ANIMALS,
    BELONGINGS,
    CONDITION_ADJECTIVES,
    CONDITIONS,
    DRINKS,
    EXERCISES,
    FOODS,
    INSTRUMENTS,
    KIN,
    LANGUAGES,
    MEDICINES,
    PASTIMES,
    RELIGIONS,
    SPORTS,
    VEHICLES,
)

_ADVERB = (
    r"(?:(?:vraiment|aussi|toujours|encore|juste|actuellement|maintenant|absolument|tres|tellement|surtout|particulierement|recemment|desormais|plutot|beaucoup|bien|franchement|simplement|souvent"
    r"|enormement|gravement|profondement|severement|completement|enfin|tout juste|parfois|principalement|carrement|trop|assez|un peu|quand meme|vachement|super|hyper|grave|deja|tout|toute|legerement|mortellement|legalement"
    r"|depuis peu|depuis toujours|officiellement|egalement|en ce moment|a fond|depuis longtemps|depuis des annees|pas mal|seulement) )*"
)
JE = rf"je {_ADVERB}"
SUIS = rf"(?:je suis|nous sommes|on est) {_ADVERB}"
AI = rf"(?:j'ai|nous avons|on a) {_ADVERB}"
ME_SUIS = rf"(?:je me suis|on s'est|nous nous sommes) {_ADVERB}"
MINE = r"(?:mon|ma|mes|notre|nos)"
_C_EST = r"(?:,? (?:c'est|ce sont|est|sont|s'appelle|se nomme|reste|a toujours ete|etait))"
_AT = r"(?:a cote de |pres de |pas loin de |aux alentours de |au nord de |au sud de |a l'est de |a l'ouest de |autour de |vers |a |au |aux |en |dans (?:le |la |les |l'|un [a-z ]{3,20} (?:a|en|pres de) )?|sur |chez moi a )"
_A = r"(?:a la |a l'|aux |au |a )"
_DE = r"(?:des |du |de la |de l'|de |d')"
_ONE = rf"(?:une?|deux|trois|quatre|cinq|six|\d+|des|plusieurs)(?: (?!sur\b|de\b|a\b|pour\b|dans\b|avec\b|en\b|et\b|au\b|comme\b)[a-z'-]+){{0,2}}? (?:{ANIMALS})s?"
_NAMED = r"(?:,? (?:qui s'appelle(?:nt)?|nommee?s?|appelee?s?|qui repond au nom de|du nom de|baptisee?)|, (?:il|elle) s'appelle|,|:) "
_ADJ = r"(?: (?:petite?|grande?|vieux|vieille|belle|beau|gros|grosse|jeune|adorable|fidele|nouveau|nouvelle|cher|chere|propre|deuxieme|troisieme|premiere?))*"


def _favourite(key: str, nouns: str) -> Rows:
    best = r"(?:prefere(?:e|s|es)?|favori(?:te|s|tes)?|fetiche)"
    return (
        (
            key,
            rf"{MINE} (?:{nouns})(?: [a-z]+)? {best}(?: de tous les temps| au monde)?{_C_EST}(?: sans doute| surement| sans hesiter)? (?P<v>.+)",
            "np",
        ),
        (
            key,
            rf"(?:le meilleur|la meilleure) (?:{nouns}) (?:du monde|de tous les temps|au monde),? (?:c'est|est|reste) (?P<v>.+)",
            "np",
        ),
        (
            key,
            rf"(?P<v>[^,]{{2,40}}?)(?:,? (?:c'est|est|sont|reste)) {MINE} (?:{nouns})(?: [a-z]+)? {best}\b",
            "np head",
        ),
    )


def _kin(key: str) -> Rows:
    who = KIN[key]
    return (
        (
            key,
            rf"{MINE}{_ADJ} (?P<k>{who})(?: de [a-z]+)?(?:,? (?:s'appelle(?:nt)?|se nomme(?:nt)?|se prenomme|c'est|est|s'appelait|etait)|,|:)? (?P<v>.+)",
            "kin",
        ),
        (key, rf".{{1,80}}?\b{MINE}{_ADJ} (?P<k>{who}),? (?P<v>.+)", "kin"),
        (key, rf"(?P<v>.{{2,30}}?)(?:,? (?:c'est|est|etait)|,) {MINE}{_ADJ} (?P<k>{who})\b", "kin head"),
        (
            key,
            rf"(?:j'ai|on a|nous avons)(?: aussi)? (?:une?)(?: [a-z]+){{0,2}}? (?P<k>{who})(?:{_NAMED})(?P<v>.+)",
            "kin",
        ),
    )


RULES: Rows = (
    *read_rules(rf"""
name :: name :: (?:moi,? )?je m'appelle (?P<v>.+)
name :: name :: (?:moi,? )?je me (?:nomme|prenomme) (?P<v>.+)
name :: name :: {MINE} (?:pre)?nom(?: complet| de bapteme| de famille)?,?(?: est| c'est|:) (?P<v>.+)
name :: name strict :: moi,? (?:c'est|je suis) (?P<v>.+)
name :: name strict first :: (?:ici|c'est) (?P<v>[^\s,]+)(?=$|,| a l'appareil)
name :: name strict alone :: {SUIS}(?P<v>.+)
name :: name strict :: (?:mais )?(?:sur (?:les|mes) papiers|a l'etat civil|officiellement) (?:je suis|c'est|je m'appelle) (?P<v>.+)
nickname :: name strict :: (?:on|mes amis|mes potes|tout le monde|les gens|mes proches|les copains|ma famille|mes collegues)(?: (?:au|a la|en|chez) [a-z ]{{3,20}}?)?(?: me)? (?:m'appelle(?:nt)?|me surnomment?|dit|disent|dis|m'a toujours appelee?)(?: toujours| tous| juste)? (?P<v>.+)
nickname :: name strict alone :: (?:tu peux |vous pouvez )?(?:m'appeler|me dire|appelle-moi|appelez-moi|dis-moi) (?P<v>.+)
nickname :: name :: {MINE} (?:surnom|petit nom|pseudo)(?: est|,? c'est) (?P<v>.+)
age ::  :: (?:{AI}|j'ai eu |j'ai fete mes |je viens d'avoir |j'ai souffle mes |je vais avoir |j'aurai |je vais sur mes |j'approche des )(?:deja |bientot |mes )?(?P<v>{NUMBER}) (?:ans|bougies|berges|piges)\b(?! (?:d'experience|d'anciennete|de|plus))
birthday :: date cut=et :: {MINE} anniversaire,?(?: est| c'est| tombe)?(?: toujours)?(?: le| en)? (?P<v>.+)
birthday :: date :: on fete mon anniversaire(?: le| en)? (?P<v>.+)
birthday :: date :: je suis nee? (?:le (?P<v>.+?))(?= a\b| au\b| en\b|$|,)
birthday :: date :: je suis (?:du|nee? un|de) (?P<v>(?:\d{{1,2}}|1er) [a-z]+.*)
birthday ::  :: je suis nee? en (?P<v>(?:19|20)\d\d)\b
nationality :: nationality :: {SUIS}(?:une? )?(?:de nationalite |d'origine )?(?:a )?(?:moitie )?(?P<v>(?:franco-)?[a-z-]+(?:(?: et |, )(?:moitie )?[a-z-]+)?)(?=$|[,.!]| (?:et|mais|par|d'origine|depuis)\b)
nationality :: nationality :: {AI}la (?:double )?nationalite (?P<v>[a-z-]+(?: et [a-z-]+)?)
religion ::  :: {SUIS}(?:de confession |devenue? |nee? )?(?P<v>{RELIGIONS})\b
partner :: kin as=conjoint :: (?:{SUIS}|{ME_SUIS})(?:mariee?|fiancee?|pacsee?|en couple|en menage) (?:avec|a) (?:une? [a-z ]{{2,25}}? (?:qui s'appelle|nommee?) )?(?P<v>.+)
partner :: kin as=conjoint :: je (?:sors|vis|partage ma vie) avec (?P<v>.+)
marital_status ::  :: (?:{SUIS}|{ME_SUIS})(?:a nouveau |redevenue? )?(?P<v>mariee?|celibataire|divorcee?|veuf|veuve|fiancee?|pacsee?|separee?)\b(?! (?:avec|a) (?:mon (?:boulot|travail|job|lit)|ma (?:boite|console)))
marital_status ::  :: je me suis (?P<v>mariee?|fiancee?|pacsee?|separee?)\b
marital_status ::  :: (?:j'ai|on a) (?P<v>divorce)\b
language :: lang list :: {JE}(?:parle|comprends|baragouine|maitrise|me debrouille en|pratique)(?: couramment| bien| un peu| tres bien| le| l'| en)* ?(?P<v>(?:le |l'|un peu |couramment )?(?:{"|".join(LANGUAGES.split())})\b.*)
language :: lang list :: {SUIS}(?:bilingue|trilingue)(?: en)? (?P<v>.+)
language :: lang list :: {MINE} langue (?:maternelle|natale|paternelle),?(?: est| c'est)(?: le| l')? ?(?P<v>.+)
language :: lang list :: (?:l'|le )(?P<v>[a-z]+) est ma langue (?:maternelle|natale)
language :: lang list learning :: (?:j'apprends|j'etudie|je me suis mise? a|je prends des cours de|je prends des cours d')(?: apprendre)?(?: le | l'| )?(?P<v>[a-z]+)\b
home :: place cut=avec|et|depuis :: (?:j'habite|nous habitons|habitons|vivons|on habite|je vis|on vit|nous vivons|je loge|je reside|je cree?che|j'habite maintenant) {_ADVERB}(?:seule? |ensemble |avec [a-z' ]{{3,25}}? |chez (?:mes|ma|mon|un|une|des) [a-z-]+ )*{_AT}(?P<v>.+)
home :: place strict cut=avec|et|depuis :: (?:j'habite|nous habitons|on habite) (?P<v>.+)
home :: place cut=avec :: (?:ca fait .{{3,20}} que )(?:je vis|j'habite|on vit|on habite|je suis) {_AT}(?P<v>.+)
home :: place cut=avec|en|il :: (?:{AI}|je viens de |on vient de |on va )(?:demenager|emmenager|demenage|emmenage)(?: [a-z]+)?(?: de .{{2,20}}?)? {_AT}(?P<v>.+)
home :: place cut=avec|en|il :: {ME_SUIS}installee?s? {_AT}(?P<v>.+)
home :: place :: {MINE} (?:petit |petite |nouvel |nouveau |nouvelle )?(?:appartement|maison|studio|chambre|chez-moi|logement|coloc|porte d'entree|domicile|ferme)(?: est|,? c'est| se trouve| donne)(?: situee?)? (?:un [a-z -]{{3,25}}? )?{_AT}(?P<v>.+)
home :: place :: (?:{AI}|je viens d'|je )(?:achete|acheter|loue|trouve|partage|un|une)(?: [a-z-]+){{0,3}}? (?:appartement|maison|studio|chambre|chez-moi|logement|pied-a-terre|coloc)(?: avec [a-z ]{{3,25}}?)? {_AT}(?P<v>.+)
home :: place cut=avec|depuis :: {SUIS}(?:installee?|basee?|domiciliee?) {_AT}(?P<v>.+)
home :: place gone :: je (?:n'habite|habite|ne vis|vis) plus (?:a|au|aux|en) (?P<v>.+)
home :: place gone :: j'habite plus (?:a|au|aux|en) (?P<v>.+)
hometown :: place cut=et|mais :: (?:je viens|{SUIS}originaire|je suis natif|je suis native) (?:d'une? (?:petit |petite )?(?:village|ville|bled|coin|hameau|bourg|famille)(?: pres| a cote)? )?{_DE}(?P<v>.+)
hometown :: place cut=et|mais|dans :: (?:j'ai grandi|je suis nee?)(?: et j'ai grandi)?(?: en (?:19|20)\d\d)?(?: dans une? [a-z -]{{3,25}}?)?? {_AT}(?P<v>.+)
hometown :: place :: (?:ma famille|mes parents|mes racines|mes ancetres) (?:vient|viennent|est originaire|sont originaires|sont) {_DE}(?P<v>.+)
hometown :: place :: {MINE} ville natale,?(?: est| c'est) (?P<v>.+)
lived_in :: place past cut=pendant|avant|avec|et|jusqu :: (?:(?:avant|autrefois|jusqu'a [a-z' ]{{3,25}}),? )?(?:j'habitais|j'ai habite|j'ai vecu|on habitait|on vivait|je vivais|nous vivions|nous habitions|on a vecu|on a habite|j'ai passe [a-z0-9 ]{{2,20}}?(?:ans|mois|annees|enfance))(?: avant| longtemps)?(?: [a-z0-9]+ (?:ans|mois|annees))? {_AT}(?P<v>.+)
lived_in :: place past cut=il|en|pour|depuis|pendant|l :: (?:j'ai|on a|nous avons) (?:quitte|demenage de)(?: (?:le |la |l'|mon |ma |notre )(?:[a-z-]+ ){{0,2}}?[a-z-]+ (?:de|du|a|au|en))? (?P<v>.+)
past_job :: job past cut=a|dans|chez|pendant|avant|jusqu :: (?:avant,? |autrefois,? |dans une autre vie,? )?(?:j'etais|j'ai ete|j'ai travaille (?:[a-z0-9]+ ans )?comme|j'ai bosse (?:[a-z0-9]+ ans )?comme|je travaillais comme)(?: une?)? (?P<v>.+)
past_job :: np past cut=pendant :: (?:toute ma (?:carriere|vie),? )?j'ai (?P<v>(?:conduit|enseigne|construit|repare|soigne) (?:des |les |le |la |l').+)
past_job :: past employer cut=pendant|comme|avant|jusqu :: (?:j'ai (?:travaille|bosse)|je travaillais|je bossais)(?: [a-z0-9]+ (?:ans|mois))? (?:chez|pour|a la|au|dans) (?P<v>.+)
past_job :: past employer cut=en|il|apres|le :: j'ai (?:arrete de travailler|demissionne|quitte mon (?:poste|boulot|travail|emploi)|quitte mon job|perdu mon (?:poste|boulot|travail|emploi)) (?:chez|de chez|de|a la|a|au|comme) (?P<v>.+)
job :: cut=a|dans|chez|pour|au|depuis :: {JE}(?:travaille|bosse|taffe)(?: [a-z ]{{3,20}}?)?? (?:comme|en tant que|en tant qu') ?(?P<v>.+)
job :: job cut=a|dans|chez|pour|au|en|depuis|de metier :: (?:dans la vie,? |de metier,? |de profession,? )?{SUIS}(?:une? |devenue? |toujours )?(?P<v>.+)
job :: job cut=a|chez|depuis :: {MINE} (?:metier|boulot|travail|taf|job|profession),?(?: est| c'est)(?: une?)? (?P<v>.+)
job :: np cut=chez|depuis :: {MINE} (?:metier|boulot|travail|taf|job|profession),?(?: est| c'est)(?: de| d')? ?(?P<v>(?:[a-z'-]+(?:er|ir|re)|l'enseignement|la [a-z]+|le [a-z]+)\b.*)
job :: np cut=depuis :: je gagne ma vie (?:comme |en tant que |en |grace a )(?P<v>.+)
job ::  :: {SUIS}(?:a la |en )?(?P<v>retraitee?|retraite|pre-retraite|au chomage|a mon compte|sans emploi|mere au foyer|pere au foyer|femme au foyer|homme au foyer|auto-entrepreneur|auto-entrepreneuse|en recherche d'emploi|en reconversion)\b
job :: np cut=depuis|a|chez|et :: (?:je |j')(?:travaille|bosse|suis|taffe) dans (?P<v>(?:la |le |les |l')(?!bus\b|train\b|metro\b|voiture\b|rue\b|cuisine\b|jardin\b|salon\b|noir\b|merde\b|brouillard\b|avion\b|foret\b|file\b|meme\b|cas\b|situation\b|queue\b|flou\b|doute\b|canape\b|bain\b|douche\b|chambre\b|salle\b|lit\b)[a-z -]+)
job :: work np cut=a|au|depuis|avec :: (?:je |j'|nous |on )(?P<v>(?:tiens|gere|dirige|enseigne|fabrique|vends|repare|restaure|conduis|concois|eleve|cultive|redige|traduis|tient|vend|gerons|vendons) (?:une? (?:petite? )?|des |les |le |la |l')(?!bus pour|dire|coup\b|rythme|bon bout|promesse|route|parole|distance|main|porte|mes enfants).+)
job :: np :: j'ai (?:monte|cree|lance|ouvert|repris) (?P<v>(?:ma|mon|une|un|notre)(?: petite| propre)? (?:boite|entreprise|societe|cabinet|restaurant|boutique|studio|agence|salon|librairie|boulangerie|atelier|cafe|bar)(?: (?:de |d')[a-z]+)?)
job :: job gone cut=depuis|mais :: je (?:ne )?suis plus (?P<v>[^,]+)
employer :: employer cut=comme|a|depuis|et|en|le :: (?:je (?:travaille|bosse|taffe)|je suis (?:en alternance|en stage|en cdi|en cdd|employee?|embauchee?|passee?(?= chez)|salariee?|en poste)|je viens d'etre (?:embauchee?|recrutee?)|j'ai ete (?:embauchee?|recrutee?)|j'ai (?:trouve|decroche|eu|signe|commence)(?: un| mon)?(?: nouveau| nouvel)?(?: poste| boulot| job| cdi| travail| stage)?) {_ADVERB}(?:a mi-temps |a temps partiel |de nuit |le soir |le week-end )?(?:chez|pour|a la|au|a l'|dans|par) (?P<v>.+)
employer :: employer strict gone cut=depuis|maintenant :: je (?:ne )?(?:travaille|bosse|suis) plus (?:chez|a la|pour|au) (?P<v>.+)
schedule ::  :: je (?:travaille|bosse|suis)(?: toujours| souvent| principalement)? (?P<v>(?:de|la) nuit|le week-?end|le soir|a mi-temps|a temps partiel|a temps plein|en horaires decales|en 3x8|en 2x8|de jour|du matin|en teletravail|a 80 ?%|quatre jours par semaine)\b
school :: place :: (?:j'etudie|je fais mes etudes|je suis etudiante?(?: [a-z ]+)?|je suis (?:eleve|scolarisee?|lyceenn?e?)|je suis inscrite?) (?:a|au|aux) (?P<v>.+)
school :: place :: (?:je suis|je vais) (?:au|a la|a l') ?(?P<v>(?:lycee|college|fac|universite|ecole) .+)
field_of_study :: np field cut=a|au|depuis :: (?:j'etudie|je fais des etudes (?:de |d'|en )|j'ai etudie|je fais (?:un|une|ma|mon) (?:master|licence|these|doctorat|bts|dut|but|bac pro|cap|formation|prepa|m1|m2|l1|l2|l3)(?: en| de| d'| sur)|je prepare (?:un|une|ma|mon) (?:master|licence|these|doctorat|bts|cap|agregation|diplome)(?: en| de| d')|je suis (?:en|etudiante? en) (?:(?:premiere|deuxieme|troisieme|quatrieme|derniere|1ere|2e|3e) annee (?:de |d'))?(?:(?:master|licence|these|doctorat|bts|fac|prepa|cap|m1|m2|l1|l2|l3|ecole)(?: de| d'| en)? ?)|je suis etudiante? en)(?: le | la | l'| )?(?P<v>(?! ?(?:la |le |l')?(?:a\b|au\b|en\b|dur\b|annee|ta\b|ton\b|tes\b|votre\b|question|dossier|proposition|cette\b|cet?\b|mes\b|mon\b|ma\b|possibilite|probleme|beaucoup|chez\b|le soir)).+)
field_of_study :: np cut=a|au :: je suis en (?:premiere|deuxieme|troisieme|quatrieme|cinquieme|derniere|1ere|2e|3e) annee (?:de |d'|en )(?P<v>.+)
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
child :: household :: {AI}(?P<v>(?:une?|deux|trois|quatre|cinq|\d|des) (?:[a-z-]+ )?(?:enfants?|fils|filles?|garcons?|gosses|gamins?|jumeaux|jumelles|bebe|petits-enfants))\b
child :: np :: {SUIS}(?:papa|maman|pere|mere) (?:de |d')(?P<v>.+)
sibling :: household :: {AI}(?P<v>(?:une?|deux|trois|quatre|cinq|\d) (?:[a-z-]+ )?(?:freres?|soeurs?|frangins?|frangines?|demi-freres?|demi-soeurs?|jumeau|jumelle))\b
sibling ::  :: {SUIS}(?P<v>(?:fille|fils|enfant) unique)
pet :: kin animal :: {MINE}{_ADJ} (?P<k>{ANIMALS})s?(?: (?:noire?|blanche?|roux|rousse|tigree?|adore|borgne))?(?:,? (?:s'appelle(?:nt)?|se nomme|repond au nom de|c'est|est|sont)|,|:)? (?P<v>.+)
pet :: kin animal head :: (?P<v>.{{2,30}}?)(?:,? (?:c'est|est)|,) {MINE}{_ADJ} (?P<k>{ANIMALS})\b
pet :: pet :: (?:j'ai|on a|nous avons|je viens d'|je garde|je possede|je vis avec|je partage ma vie avec) ?(?:adopte |adopter |achete |recueilli |recueillir |toujours |aussi |eu |sauve )?(?P<v>{_ONE}\b(?: (?:a|au|aux|de) [a-z ]{{3,20}}?)?(?!-| (?:a l'ecole|dans la gorge|en peluche))(?:{_NAMED}.+)?)
pet :: pet :: (?P<v>{_ONE}{_NAMED}.+?)(?=,? (?:dort|vit|squatte|partage)\b.* (?:mon|ma|mes|chez moi|avec moi)\b)
allergy :: list np allergen :: {SUIS}(?:allergique|intolerante?) {_A}(?P<v>.+)
allergy :: list np allergen :: (?:{AI}|je fais )(?:une )?(?:grosse |petite |severe |violente )?allergies? (?:alimentaire )?{_A}(?P<v>.+)
allergy :: np cut=me|m|est :: {MINE} allergie {_A}(?P<v>.+)
allergy :: np head allergen :: (?P<v>[^,]{{2,40}}?)(?:,? ca)?(?: me| m')(?: fait| font)? ?(?:eternuer|gonfler|tousser|gratter|pleurer les yeux|larmoyer|donne(?:nt)? (?:de l'urticaire|des boutons|des plaques|de l'eczema)|couvre(?:nt)? de (?:plaques|boutons)|envoie(?:nt)? (?:a l'hopital|aux urgences)|declenche(?:nt)? (?:des allergies|une crise))
allergy :: np head allergen :: (?P<v>[^,]{{2,40}}?) (?:me fait|me font) (?:eternuer|gonfler|tousser|des plaques|une reaction)
allergy :: gone :: je (?:ne )?suis (?:pas|plus) allergique (?:a la |a l'|aux |au |a )(?P<v>.+)
dislikes :: np :: (?:l'odeur|la vue|le gout|l'idee|le bruit|la texture|le son) (?:des |du |de la |de l'|de |d')(?P<v>[^,]{{2,40}}?) (?:me (?:souleve|donne|rend|degoute|file|fait (?:fuir|vomir)|revulse|coupe)|m'(?:ecoeure|insupporte))
dislikes :: np head :: (?P<v>[^,]{{2,40}}?),? (?:a|ont) un gout de (?:savon|terre|carton|pieds|metal|medicament)
nickname :: name strict :: (?:mais )?(?P<v>[^\s,]+) (?:suffit|ca va|ca me va|c'est bien|fera l'affaire)\b
allergy :: np head allergen :: (?P<v>[^,]{{2,40}}?) m'envoie(?:nt)? (?:aux urgences|a l'hopital|direct)
lived_in :: place past cut=en|il|pour :: (?:{SUIS})?(?:arrivee?s?|venue?s?) (?:du |de la |de l'|de |d'|des )(?P<v>.+)
past_job :: np past :: (?:avant[a-z ]*,? |autrefois,? )?(?:je |j')(?P<v>(?:enseignais|conduisais|vendais|soignais|pilotais|fabriquais|tenais) .+)
religion :: :: (?:j'ai ete |{SUIS})(?:elevee?|eduquee?|baptisee?)(?: dans la (?:religion|foi|tradition)| comme)? (?P<v>{RELIGIONS})\b
sibling :: :: {SUIS}l'(?P<v>(?:aine|ainee)(?: d'une famille)? de {NUMBER}(?: enfants)?)
sibling :: :: {SUIS}(?:le |la )(?P<v>(?:cadet|cadette|benjamin|benjamine|dernier|derniere)(?: d'une famille)? de {NUMBER}(?: enfants)?)
child :: household :: j'eleve (?:seule? )?(?P<v>(?:mes |nos )?(?:deux|trois|quatre|\d) (?:[a-z-]+ )?(?:ados|enfants|filles|fils|garcons|jumeaux|gosses))\b
sport :: :: je vais a la (?P<v>salle de sport|salle|piscine|gym)\b(?! (?:de bain|d'attente|a manger))
sport :: :: j'entraine [a-z ' -]{{2,25}}? (?:de |d')(?P<v>{SPORTS}|{EXERCISES})\b
hobby :: np :: {SUIS}(?P<v>benevole (?:a|au|aux|dans|chez|pour) .+)
hobby :: np :: j'ecris (?:des |de la |de l'|un |une )(?P<v>poesie|poemes|nouvelles|chansons|romans|roman|blog|journal|livre)\b
likes :: np taste :: (?:je |j')(?:lis|ecoute|regarde|mange|bois|cuisine) (?:beaucoup |surtout |principalement |enormement |plein |que |uniquement )(?:de |d'|des |du )?(?P<v>.+)
likes :: np :: {SUIS}(?:plutot |plus |team )(?P<v>(?!du\b|de\b)[a-z]+) que (?:[a-z]+)
visited :: place cut=en|avec|il :: je (?:rentre|reviens)(?: tout juste| a peine| juste)? (?:de |du |des |d')(?P<v>.+)
vehicle :: np :: je vais (?:au travail|au boulot|bosser|a la fac|partout|au bureau) (?:a|en) (?P<v>(?:velo|scooter|moto|voiture|trottinette|mobylette)\b.*)
job :: np cut=depuis :: je (?P<v>(?:pilote|soigne|forme|dresse|entretiens|nettoie|livre|coiffe|masse|garde) (?:des |les ).+)
job :: job :: en tant qu(?:e |')(?P<v>[^,]{{3,30}}), (?:je|j'|on|mon|ma)
diet ::  :: etant (?P<v>vegetarienn?e?|vegane?|vegetalienn?e?)\b
diet :: no :: (?P<v>(?:la |le |l'|les )(?:{FOODS}|{DRINKS})),? (?:c'est (?:fini|termine)|j'ai arrete|je n'y touche plus|tres peu pour moi desormais)(?: pour moi)?
diet ::  :: (?:{SUIS}|je suis devenue? |je mange )(?:devenue? |strictement |au regime )?(?P<v>vegane?|vegan|vegetarienn?e?|vegetalienn?e?|pescetarienn?e?|pesco-vegetarienn?e?|flexitarienn?e?|intolerante? (?:au lactose|au gluten)|sans gluten|sans lactose|halal|casher|kasher|sobre|bio|coeliaque|au regime|cru)\b
diet :: no :: je (?:ne |n')?(?:mange|consomme|supporte|touche|digere|tolere) (?:pas|plus|jamais|pas du tout|jamais plus)(?: de | d'| au | a la | le | la | du )(?P<v>{FOODS})\b
diet :: no :: je (?:ne |n')?bois (?:pas|plus|jamais)(?: de | d')(?P<v>{DRINKS})\b(?! (?:apres|le soir|avant|a jeun|la nuit))
diet :: no :: j'ai (?:arrete|supprime|banni)(?: de manger| de boire)?(?: de la | de l'| du | des | le | la | l'| les )(?P<v>{FOODS}|{DRINKS})\b
condition ::  :: (?:{AI}|je souffre |je souffre toujours |je vis avec |je me bats contre |on m'a (?:trouve|diagnostique|detecte|decele) |le medecin m'a (?:trouve|diagnostique) )(?:du |de la |de l'|de |d'|un |une |des |le |la |les |l')?(?:gros |petit |vilain |fort |legere? )?(?P<v>{CONDITIONS})\b
condition :: np cut=depuis :: (?:je souffre )(?:d'une |d'un |du |de la |de l'|de |d'|des )(?P<v>.+)
condition :: np cut=il|l|en|depuis :: (?:on m'a|le medecin m'a|les medecins m'ont) (?:diagnostique|trouve|decele|detecte) (?:un |une |de la |du |de l'|des )?(?P<v>.+)
condition ::  :: {SUIS}(?P<v>{CONDITION_ADJECTIVES})\b(?! (?:de|a la critique))
condition ::  :: .{{0,80}}?\b(?:mon|ma|mes) (?P<v>{CONDITIONS})\b
condition ::  :: je porte (?:des |un )(?P<v>appareils? auditifs?|lunettes|lentilles|pacemaker|prothese)
medication ::  :: (?:je (?:prends|suis sous|suis a|m'injecte)|je dois prendre|on m'a prescrit)(?: tous les jours| toujours| encore)?(?: du | de la | de l'| des | un | une | mon | ma | mes | d')? ?(?P<v>{MEDICINES})\b
medication ::  :: .{{0,30}}?\b(?:mon|ma|mes) (?P<v>{MEDICINES})\b
fear :: list np :: {AI}(?:une )?(?:peur|phobie|terreur|trouille|horreur panique)(?: bleue| panique| terrible)? {_DE}(?P<v>(?!ne\b|mal\b|pas\b|me\b|te\b|le\b|la faire|devoir\b|passer pour).+)
fear :: list np :: {AI}la (?:phobie|trouille|hantise|terreur) {_DE}(?P<v>.+)
fear :: np :: je (?:flippe|panique|angoisse)(?: a cause| en presence| a l'idee| devant| dans)? ?(?:des |du |de la |de l'|de |d'|les |le |la )(?P<v>.+)
fear :: np head :: (?P<v>[^,]{{2,40}}?)(?:,? ca)? (?:me (?:terrifient?|terrorisent?|font (?:tres |trop |super )?peur|fait (?:tres |trop |super )?peur|paniquent?|effraient?|effraie|glacent? le sang|fait flipper|font flipper|fichent? la trouille|fiche une trouille .+|foutent? la trouille|donnent? des sueurs froides)|m'(?:angoissent?|effraient?|effraie|epouvantent?))
fear ::  :: j'ai le (?P<v>vertige)\b
fear :: np :: {SUIS}(?:terrifiee?|terrorisee?|effrayee?) (?:par )(?P<v>.+)
fear ::  :: {SUIS}(?P<v>(?:claustro|arachno|agora|acro|aero|hemato|emeto)phobe)\b
"""),
    *_favourite(
        "favorite_food",
        "plat|dessert|repas|fruit|legume|gateau|fromage|pizza|glace|nourriture|cuisine|bonbon|sandwich|petit-dejeuner|specialite",
    ),
    *_favourite("favorite_drink", "boisson|biere|vin|the|cafe|cocktail|jus"),
    *_favourite("favorite_color", "couleur"),
    *_favourite(
        "favorite_music",
        "groupe|chanteur|chanteuse|chanson|musique|album|compositeur|compositrice|rappeur|rappeuse|opera",
    ),
    *_favourite("favorite_book", "livre|roman|auteur|autrice|ecrivain|ecrivaine|poeme|poete|bd|manga"),
    *_favourite("favorite_film", "film|serie|realisateur|realisatrice|acteur|actrice|dessin anime|anime"),
    *_favourite("favorite_place", "endroit|ville|pays|lieu|coin|plage|restaurant|resto|musee|ile|quartier"),
    *_favourite("favorite_season", "saison"),
    *_favourite("favorite_animal", "animal|oiseau|race"),
    *_favourite(
        "likes",
        "jeu|jeu video|jeu de societe|sport|matiere|fleur|arbre|fete|peintre|tableau|podcast|jouet|odeur|philosophe",
    ),
    *read_rules(rf"""
favorite_season ::  :: ce que je prefere,? c'est (?:le |l'|la )?(?P<v>printemps|ete|automne|hiver)\b
team :: place strict cut=depuis :: je (?:supporte|soutiens) (?:l'|le |la |les )?(?P<v>.+)
team :: place cut=depuis :: {SUIS}(?:une? )?(?:grand |vrai |fervent )?supporter(?:rice|trice)? (?:de l'|du |de la |des |de |d')(?P<v>.+)
team :: place strict :: {SUIS}(?:a fond )?(?:derriere|pour) (?:l'|le |la |les )?(?P<v>.+)
team :: place :: {MINE} (?:equipe|club)(?: prefere| de coeur| favorite)*,?(?: est| c'est)(?: l'| le | la | les )? ?(?P<v>.+)
hobby :: np :: je (?:collectionne|fabrique|chine) (?P<v>(?!ca\b).+)
hobby :: list np :: {MINE} (?:principal |grand |seul |nouveau )?(?:passe-temps|loisirs?|hobbys?|hobbies|passions?|truc|dada)(?: prefere| favori)?(?: a moi)?,?(?: est| c'est| ce sont| sont) (?P<v>.+)
hobby :: np head :: (?P<v>[^,]{{2,40}}?),? (?:c'est|est) (?:ma (?:grande |plus grande |vraie )?passion|mon (?:truc|passe-temps|dada|hobby|loisir|kif))\b
hobby :: np :: je passe (?:mon temps libre|mes week-?ends?|mes soirees|mes dimanches|mes vacances) (?:a |dans |au )(?P<v>.+)
sport ::  :: (?:je|on) (?:fais|fait|pratique|suis inscrite? au|m'entraine au|prends des cours de|me mets? a|me suis mise? a)(?: beaucoup| pas mal| aussi| toujours| regulierement| souvent| un peu)?(?: du | de la | de l'| des | le | la | l'| de | d'| au | a la )? ?(?P<v>{EXERCISES}|{SPORTS})\b
sport :: past :: j'ai (?:fait (?:[a-z0-9]+ ans |longtemps |toujours )|longtemps fait |toujours fait )(?:de |d'|du |de la |de l')(?P<v>{EXERCISES}|{SPORTS})\b
sport :: past :: j'ai fait (?:de |d'|du |de la |de l')(?P<v>{EXERCISES}|{SPORTS})\b(?= (?:pendant|toute|tous|depuis|en (?:club|competition)|etant|quand|petite?|jusqu)\b)
sport ::  :: (?:je|on) (?:joue|jouons)(?: beaucoup| aussi| souvent| toujours)? (?:au|aux|a la) (?P<v>{SPORTS})\b
sport ::  :: je (?P<v>cours|nage|grimpe|skie|surfe|boxe|rame|pedale)(?=$|,| (?:tous|toutes|chaque|trois|deux|\d|le|souvent|beaucoup|regulierement|en club|une fois|des)\b)
hobby ::  :: (?:je|on|j') ?(?:fais|fait|pratique|adore la|adore le|aime la|prends des cours de|me suis mise? a la|me suis mise? au|m'interesse a la)(?: beaucoup| pas mal| aussi| toujours| souvent| un peu)?(?: du | de la | de l'| des | le | la | l'| de | d' )? ?(?P<v>{PASTIMES})\b
hobby :: np :: je (?:fais partie|suis membre) d'une? (?P<v>chorale|troupe .+|club .+|association .+|orchestre|fanfare|groupe de .+|equipe de .+)
hobby ::  :: je (?P<v>tricote|peins|jardine|bricole|dessine|cuisine|couds|peche|chante|danse|brode|sculpte|medite)(?=$|,| (?:tous|toutes|chaque|souvent|beaucoup|le|regulierement|pas mal|a mes|dans une?|pour me)\b)
instrument ::  :: (?:je|on) joue(?: aussi| un peu| beaucoup| toujours)? (?:du |de la |de l'|des |d'un |d'une )(?P<v>{INSTRUMENTS})\b
instrument ::  :: (?:j'apprends|je fais|je prends des cours de|je prends des cours d'|je pratique|je me suis mise? a|je me suis mise? au) ?(?:le |la |l'|du |de la |de l')?(?P<v>{INSTRUMENTS})\b
instrument :: past :: j'ai (?:fait|joue) (?:[a-z0-9]+ ans )?(?:de la |de l'|du |de |d')(?P<v>{INSTRUMENTS})\b
skill :: np only :: je sais (?P<v>(?!pas\b|que\b|plus\b|bien\b|ou\b|comment\b|ce\b|pourquoi\b|quoi\b|qui\b|meme\b|tout\b)[a-z]+(?:er|ir|re|dre)\b.*)
skill :: np only :: {SUIS}(?:douee?|forte?) (?:en |pour |a la |au )(?P<v>.+)
goal :: np :: ce que je (?:veux|voudrais)(?: le plus| vraiment)?,? c'est (?P<v>[a-z'-]+(?:er|ir|re)\b.+)
goal :: np :: {MINE} (?:grand |plus grand |seul |prochain |vrai )?(?:but|reve|objectif|ambition|defi|souhait)(?: dans la vie| de cette annee)?,?(?: est| c'est|, c'est| serait) (?:de |d')?(?P<v>(?:[a-z'-]+(?:er|ir|re|oir)\b|une? |le |la |l').+)
goal :: np :: je reve (?:de |d')(?P<v>[a-z'-]+(?:er|ir|re)\b.+)
goal :: np :: (?:un jour|plus tard|a terme),? (?:je|j')? ?(?:voudrais|veux|aimerais|irai|vais|compte|ouvrirai|serai|souhaite|ferai|aurai)(?: bien)? (?P<v>.+)
goal :: np :: (?:je|j')? ?(?:voudrais|veux|aimerais|compte|souhaite|espere|ai envie de|ai envie d')(?: bien| vraiment| un jour)? ?(?P<v>(?:devenir|apprendre (?!plus)|ouvrir|publier|ecrire (?:un|mon)|monter (?:ma|mon|une)|acheter (?:une|un|ma)|reprendre (?:mes|des)|courir (?:un|le)|arreter de|passer (?:le|mon|un)|me mettre a|perdre|faire le tour|vivre|partir vivre|changer de|avoir (?:des|un) enfants?|reussir|visiter|voyager) ?.+)
goal :: np only :: (?:je |j')(?:m'entraine|me prepare|economise|mets de l'argent de cote|prepare) (?:pour |a )?(?P<v>(?:(?:le |un |une |mon |ma |la |l')(?:marathon|semi|triathlon|concours|agreg|bac|examen|voyage|mariage|maison|voiture|moto|voilier|bateau|van|piano|four|competition|tour|permis|diplome|tournoi)|acheter |ouvrir |partir |faire le tour).*)
plan :: np :: (?:j'ai|on a) prevu (?:de |d')(?P<v>.+)
plan :: np :: (?:je|on) (?:compte|prevois|prevoit)(?: de| d')? (?P<v>[a-z'-]+(?:er|ir|re)\b.*)
plan :: np :: (?:je|on|nous) (?:vais|va|allons)(?: bientot)? (?P<v>(?:me marier|se marier|nous marier|demenager|emmenager|avoir un bebe|devenir (?:papa|maman|parents)|commencer|changer de (?:boulot|travail|metier)|prendre ma retraite|adopter|acheter (?:une|un) (?:maison|appartement)|reprendre|passer (?:le|mon))\b.*)
plan :: np :: je (?P<v>(?:me marie|demenage|commence (?:un|mon|une)|emmenage|reprends (?:mes|les))\b.*)
travel_plan :: place cut=pour|avec|en|la|le|cet|cette|dans|ce :: (?:je pars|on part|nous partons|je vais partir|on va partir|je m'envole|je vais|on va|nous allons|j'irai|on ira|je vais aller|je prends l'avion|on s'envole)(?: [a-z ]{{3,20}}?)?? (?:en voyage |en vacances |en week-end )?(?:pour l'|pour le |pour la |pour |a |au |aux |en |visiter )(?P<v>.+)
travel_plan :: place cut=pour|avec|en|cet :: (?:j'ai|on a) (?:reserve|achete|pris)(?: un| une| des| nos| mes| le)? (?:voyage|billets?|vols?|semaine|sejour)(?: d'avion| de train)? (?:pour l'|pour le |pour |a |au |aux |en )(?P<v>.+)
visited :: place list cut=en|l|il|avec|cet :: j'ai (?:deja )?(?:visite|decouvert|fait le tour de|voyage (?:en|au|aux|a)) (?:la |le |l'|les )?(?P<v>.+)
visited :: place cut=pour|avec|en|il|l|cet :: (?:je suis|on est|nous sommes)(?: deja| aussi)? (?:allee?s?|partie?s?|rentree?s?|revenue?s?) (?:(?:a|au|aux|en|de|du) |d')(?P<v>.+)
vehicle :: np cut=et|pour|depuis|maintenant :: (?:je (?:conduis|roule en|roule a|roule dans|me deplace (?:en|a)|circule (?:en|a)|fais tout a|roule avec)) (?:(?:une?|ma|mon) )?(?P<v>(?:[a-z0-9-]+ ){{0,2}}?(?:{VEHICLES})\b(?: [a-z0-9]+)?)
vehicle :: np :: (?:j'ai|on a|je viens d'acheter|j'ai achete|je possede|je me suis achete)(?: toujours| aussi| enfin)? (?P<v>une? (?:[a-z0-9-]+ ){{0,2}}?(?:{VEHICLES})\b(?: electrique)?)(?! (?:de location|en panne))
vehicle :: np :: {MINE} (?:voiture|bagnole|caisse|moto)(?: est|,? c'est) (?P<v>une? .+)
vehicle :: gone :: j'ai (?:vendu|revendu) (?:ma|mon|la|le) (?P<v>(?:[a-z0-9-]+ ){{0,2}}?(?:{VEHICLES}))\b
owns :: np :: (?:j'ai|on a|je possede|j'ai achete|je viens d'acheter|je me suis achete)(?: aussi| enfin)? (?P<v>une? (?:[a-z0-9'-]+ ){{0,2}}?(?:{BELONGINGS}))\b
dislikes :: list np taste :: (?:moi,? )?(?:je |j')(?:deteste|hais|execre|meprise|abhorre|fuis|ne supporte pas|ne supporte plus|supporte pas|supporte plus|peux pas (?:blairer|sentir|supporter|encadrer|voir|saquer)|ne peux pas (?:blairer|sentir|supporter|voir)|ne peux plus (?:supporter|voir)|peux plus (?:supporter|voir)) {_ADVERB}(?P<v>.+)
dislikes :: list np taste :: (?:je n'|j')aime (?:pas|guere|vraiment pas|plus|pas du tout|pas trop|pas beaucoup|pas tellement|pas vraiment|plus du tout) {_ADVERB}(?:trop |tellement |du tout |les gens qui )?(?P<v>.+)
dislikes :: list np taste :: {AI}horreur {_DE}(?P<v>.+)
dislikes :: list np taste :: {AI}(?:du mal avec|une sainte horreur de) (?P<v>.+)
dislikes :: list np taste :: je (?:ne )?suis pas (?:du tout |vraiment |tres |trop |un grand |une grande )*(?:fan|amateur|amatrice|branchee?|attiree?)(?: de | d'| du | des | par )?(?P<v>.+)
dislikes :: np head :: (?P<v>[^,]{{2,40}}?),? (?:(?:ce |c')(?:n')?est(?: vraiment)? (?:pas|pas trop|vraiment pas) (?:mon truc|ma tasse de the|pour moi|mon fort)|tres peu pour moi|non merci|j'aime pas|j'aime pas trop|je deteste(?: ca)?|je ne supporte pas(?: ca)?|je supporte pas|ca me (?:degoute|saoule|gonfle|enerve)|j'ai horreur de ca|ca m'insupporte|(?:ca )?(?:me|m') ?(?:degoutent?|rebutent?|saoulent?|horripilent?|insupporte(?:nt)?|exasperent?|agacent?|enervent?|ecoeurent?|revulsent?|fatiguent?|donne(?:nt)? (?:la nausee|envie de vomir)|ennuient?))
dislikes :: np :: ce que je (?:deteste|supporte pas|ne supporte pas|hais|n'aime pas)(?: le plus| vraiment)?,? c'est (?P<v>.+)
likes :: np :: ce que (?:j'(?:aime|adore)|je prefere|je kiffe)(?: le plus| vraiment| par-dessus tout)?,? c'est (?P<v>.+)
likes :: list np taste :: (?:moi,? )?(?:j'(?:aime|adore|ai toujours aime|ai toujours adore|affectionne)|on adore|on aime|nous adorons|nous aimons|je (?:kiffe|raffole|prefere|cheris|kife)) {_ADVERB}(?:de |d')?(?P<v>.+)
likes :: list np taste :: {SUIS}(?:un |une )?(?:grand |grande |gros |grosse |vrai |vraie )?(?:fan|fou|folle|passionnee?|dingue|amateur|amatrice|accro|mordue?|feru|ferue|amoureux|amoureuse|gourmande?|addict|friande?|fana) (?:de l'|de la |de |d'|du |des |a la |au |aux |a l'|par )(?P<v>.+)
likes :: list np taste :: {AI}(?:un faible|une passion|un gros faible|un penchant) pour (?P<v>.+)
likes :: np :: (?:rien ne vaut|je ne peux pas vivre sans|je peux pas vivre sans|je ne me lasse pas de|je ne me lasse jamais de|rien de tel que|je me damnerais pour|je craque pour) (?P<v>.+)
likes :: np head :: (?P<v>[^,]{{2,40}}?)(?:,? (?:ca )?me (?:passionnent?|plaisent beaucoup|fascinent?|detend|apaise|rend heureux|rend heureuse|font rever|fait rever|plait beaucoup)|,? c'est (?:toute )?(?:ma vie|mon bonheur|mon peche mignon|sacre|mon kiff|la vie)|,? j'adore(?: ca)?|,? j'aime (?:ca|bien))\b
likes :: np taste :: {SUIS}passee? (?:au |a la |aux |a l')(?P<v>(?!suite|moderation).+)
likes :: np :: {MINE} (?:carburant|peche mignon|bonheur|plaisir|petit plaisir|refuge|rituel|faible)(?: a moi| coupable| du matin)?(?: c'est|,? c'est| est| reste) (?P<v>.+)
language :: lang list :: (?:on|nous|mes parents|ma mere|mon pere|ma famille) (?:parlait|parlions|parlaient|parle|parlons|me parlait|me parlaient)(?: toujours| surtout)? (?P<v>[a-z]+(?: et [a-z]+)?)(?: a la maison| entre nous| chez nous)?(?=$|,| quand| a la| entre| chez)
home :: place :: c'est (?:a|au|en|aux) (?P<v>[^,]{{2,30}}?) que (?:se trouve (?:mon|ma)|j'habite|je vis|j'ai pose mes valises|j'ai ma)\b
home :: place head :: (?P<v>[^,]{{2,30}}?),? c'est (?:chez moi|la que (?:je vis|j'habite)|ma ville)\b
likes :: gone :: je (?:n'aime|aime) plus (?P<v>.+)
dislikes :: gone :: je ne (?:deteste|hais) plus (?P<v>.+)
name :: name strict :: (?:sur|dans) (?:mon|mes|les) (?:passeport|papiers|badge|carte d'identite|carte)(?:,)? (?:c'est|je suis|il y a ecrit|on lit) (?P<v>.+)
nickname :: name strict :: (?:les |mes )?(?:enfants|eleves|gars|gamins|collegues|voisins|copains|copines|potes|habitues|clients)(?: [a-z ]{{2,20}}?)?? (?:crient|m'appellent|disent|me surnomment) (?P<v>.+)
age :: :: (?P<v>{NUMBER}) bougies (?:sur|cette|pour|a souffler)\b
pet :: pet :: (?P<v>{_ONE}{_NAMED}.+?)(?=,? (?:dort|vit|squatte|partage|me reveille|me hurle|m'attend|me suit|m'a adoptee?|s'est (?:installee?|invitee?|incrustee?)|regne|garde|commande)\b)
pet :: pet :: (?P<v>{_ONE})(?= (?:dort|dorment|vit|vivent|squatte|squattent|regne|regnent|partage|partagent|commande|commandent)\b.* (?:mon|ma|mes|chez moi|avec moi)\b)
pet :: kin as=animal animal :: (?:un|une|notre|mon) (?:vieux|vieille|petit|petite|gros|grosse) (?:{ANIMALS})(?: [a-z]+)?, (?P<v>.+)
allergy :: np allergen :: (?:juste |meme )?(?:une?|une seule|un seul|la moindre) (?P<v>[a-z]+(?: [a-z]+)?) et (?:je|j'|ma|mon|c'est|me)\b.*(?:hopital|gonfl|gorge|plaques|boutons|respir|ambulance|gratt|urgences|visage|samu)
allergy :: np allergen :: (?:tout ce qui contient|un plat avec|quoi que ce soit avec) (?:des |du |de la |de l'|de |d'|un |une )?(?P<v>[^,]{{2,30}}?) et (?:je|j'|ma|mon|c'est)\b
diet :: no :: (?:pas|jamais|plus)(?: un gramme| une goutte| le moindre)? (?:de |d')(?P<v>{FOODS}|{DRINKS}) (?:pour moi|dans mon assiette|chez moi|dans mon verre|dans mon frigo)
fear :: np head :: (?P<v>[^,]{{2,40}}?) (?:me donnent?|me donne) (?:des sueurs|le tournis|des frissons|des cauchemars|la chair de poule)
fear :: np :: on ne me (?:fera|verra) jamais (?:monter|prendre|entrer|mettre les pieds)(?: dans| en| sur)? (?P<v>.+)
dislikes :: np taste :: on ne me (?:fera|verra) jamais (?:manger|boire|ecouter|regarder|porter|avaler|jouer a|faire) (?:de la |de l'|du |des |de |d'|au |aux |a )?(?P<v>.+)
hobby :: np :: (?:mes|tous mes) (?:dimanches|samedis|week-?ends|soirees|matinees|mercredis|etes|loisirs) (?:appartiennent|sont (?:consacres|reserves|dedies|voues)|vont|passent) (?:au |a la |a l'|aux |a |en )(?P<v>.+)
hobby :: np head :: (?P<v>[^,]{{2,30}}?) (?:a|ont) (?:mange|devore|envahi|pris|avale) (?:la plupart de |toutes |tous |la moitie de )?mes (?:soirees|week-?ends|nuits|dimanches|loisirs)
hobby :: np :: (?:on me trouve|tu me trouveras|vous me trouverez)(?: toujours| souvent)? (?:au |a la |a l'|aux |dans |sur )(?P<v>.+)
likes :: np :: (?:mets|donne|passe|sers|joue)-moi (?:du |de la |de l'|des |un |une )(?P<v>[^,]{{2,40}}?) et je suis (?:heureux|heureuse|content|contente|aux anges|comblee?)
likes :: np :: il y a toujours (?:une? )?(?:theiere|tasse|verre|bouteille|pot|bol|tablette|paquet|pile|mug|cafetiere) (?:de |d')(?P<v>.+?)(?= (?:sur|dans|a cote de|pres de) (?:mon|ma|mes)\b)
favorite_season :: :: (?:c'est en |en |l')?(?P<v>printemps|ete|automne|hiver),? (?:que je (?:revis|respire|suis)|c'est la que je|je revis)
goal :: np :: (?:un de ces jours|tot ou tard|avant de mourir|un beau jour),? (?:je vais |j'irai |je veux |je voudrais |je )(?P<v>.+)
travel_plan :: place cut=avec|pendant :: (?:je|on|nous) (?:randonnerai|randonnera|serai|sera|serons|voyagerai|skierai|partirai|partira|partirons|camperai|visiterai|visiterons|pedalerai) (?:(?:en|au|aux|a|dans les|la|le) |l')?(?P<v>.+)
language :: lang list :: (?:nos|mes) parents (?:nous|m')(?: ont| a)? ?(?:ont )?(?:elevee?s?|parle)(?: en)? (?P<v>.+)
vehicle :: np cut=a|est|me|m|roule|tient|vient|va :: ma (?P<v>(?:(?:vieille|petite|bonne vieille|nouvelle|fidele) )*(?:clio|twingo|megane|kangoo|zoe|peugeot|renault|citroen|2cv|dacia|fiat|panda|toyota|yaris|tesla|bmw|audi|mercedes|golf|polo|volkswagen|volvo|ford|fiesta|opel|corsa|skoda|honda|kawasaki|yamaha|ducati|vespa|harley|smart|lada|saab|mini|206|207|208|4l)\b(?: [a-z0-9]+)?)
instrument :: :: .{{0,60}}?\b(?:mon|ma) (?:vieux |vieille |nouveau |nouvelle |premiere? )?(?P<v>guitare|violon|alto|violoncelle|batterie|flute|saxo(?:phone)?|trompette|trombone|harpe|clarinette|accordeon|ukulele|banjo|mandoline|harmonica|contrebasse|piano)\b
instrument :: :: (?:j'ai|je) (?:ressorti|ressors|depoussiere|repris|reprends) (?:le |la |l'|mon |ma )(?P<v>{INSTRUMENTS})\b
job :: np :: (?:toute la journee|toute la semaine|a longueur de journee|du lundi au vendredi|du matin au soir),? (?:je |j')(?P<v>(?!attends\b|dors\b|pense\b|suis\b|ai\b|reste\b|veux\b|pleure\b|m'ennuie\b|me\b)[a-z]+ (?:des |les |du |de la |le |la |aux |au |dans |avec ).+)
hometown :: place :: je suis une? (?:vraie? |pure? )?(?:fille|gars|enfant|gamine?|natif|native) (?:de |du |d'|des )(?P<v>.+)
partner :: kin as=conjoint :: (?:l'amour de ma vie|ma moitie|mon ame soeur)(?:,| est| c'est|, c'est| s'appelle)? (?P<v>.+)
nickname :: name strict :: (?:la plupart des gens|les gens|mes amis|on|tout le monde) (?:raccourcissent|raccourcit|abregent|abrege)(?: (?:ca|mon nom|mon prenom))? en (?P<v>.+)
home :: place cut=avec :: (?:je|on|nous) (?:loue|louons|occupe|occupons|squatte)(?: [a-z' -]{{3,50}}?)?? (?:a|au|aux|en) (?P<v>.+)
diet :: no :: je (?:n')?ai (?:pas|plus|jamais) (?:mange|bu|touche|avale)(?: de | d'| a la | au )(?P<v>{FOODS}|{DRINKS})\b
fear :: np head :: (?P<v>[^,]{{2,40}}?)(?:,? ca)? me (?:fait|font) (?:paniquer|angoisser|trembler|froid dans le dos|frissonner|perdre mes moyens)
hobby :: np :: je passe (?:des heures|mes nuits|des journees|tout mon temps|ma vie) a (?P<v>[a-z'-]+(?:er|ir|re)\b.*)
language :: lang list :: mon (?P<v>[a-z]+) est (?:correct|rouille|bon|basique|courant|moyen|passable|scolaire|pas mal|mauvais|hesitant)
travel_plan :: place cut=en|cet|l|avec :: (?:j'ai|on a) hate (?:de (?:voir|visiter|decouvrir|partir (?:a|au|en)|aller (?:a|au|en))|d'(?:aller|etre) (?:a|au|en)) (?:la |le |l'|les )?(?P<v>.+)
likes :: np head :: (?P<v>[^,]{{2,40}}?),? (?:c'est|est) (?:ma drogue|mon vice|mon obsession|ma religion|ma therapie|mon doudou|mon reconfort)\b
goal :: np :: je donnerais (?:tout|n'importe quoi|cher) pour (?P<v>.+)
partner :: kin as=conjoint :: (?:j'epouse|j'ai epouse|je me marie avec|je vais epouser) (?P<v>.+)
"""),
)
