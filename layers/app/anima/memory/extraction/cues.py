"""Cues: the words without which a clause does not bear out a proposed kind of fact ("live", "flat" for a home).

A small model finds values well and names their kind badly; a kind that nothing in the clause speaks of is refused.
"""

# ruff: noqa: E501 (lists and patterns)
from __future__ import annotations

import re

from anima.kernel.terms import fold
from anima.memory.extraction import words_en, words_fr
from anima.memory.extraction.kinds import is_job
from anima.memory.extraction.spelling import plain

_LIKED = r"lov\w+|like\w*|ador\w+|enjoy\w*|fan|favou?rite|best|beats?|crazy|mad|passion\w*|obsess\w+|into|can't get enough|happy|happiest|joy|fond|keen|weakness|addict\w*|aim\w+|prefer\w*|kiff\w*|raffol\w+|accro|plais\w*|plait|bonheur|rien ne vaut|craque\w*|without|sans|give me|any day|heart|coeur|delicious|delicieux|comfort|relax\w*|treat|guilty|never say no|go-to|kill for|all day|every day|tous les jours|what i (?:drink|eat|listen to)|carburant|fuel|keeps me"
_DISLIKED = r"hat\w+|detest\w*|dislik\w+|can't stand|can't bear|loath\w+|despis\w+|disgust\w*|worst|sick|gag|not my|isn't my|aren't my|never liked|don't like|don't enjoy|not (?:a )?fan|not into|not keen|avoid|annoy\w*|mad|crazy|nerves|soap|savon|leave|stomach|aime pas|aime plus|supporte pas|supporte plus|horreur|degout\w*|horripil\w*|insupport\w*|truc|blairer|tres peu|fuis|souleve|enerve|saoule|bore\w*|puke|yuck|beurk|cringe|awful|horrible|affreu\w+|gross"
_DONE = r"every|often|usually|weekends?|sundays?|saturdays?|mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|evenings?|mornings?|nights?|free time|spare time|hobby|hobbies|club|class|classes|lessons|since|for years|love|enjoy|like|collect\w*|play\w*|practi[sc]\w+|train\w*|go|going|keeps? me|relax\w*|passion|into|dimanches?|samedis?|lundis?|mardis?|mercredis?|jeudis?|vendredis?|week-?ends?|soirs?|matins?|loisirs?|passe-temps|temps libre|cours|aime|adore|fais|joue|pratique|collectionne|depuis|chaque|tous les|toutes les|bonheur|vaut|hours|heures|season|hang out|spend|volunteer|join\w*|member|team"
_CUES: dict[str, str] = {
    "name": r"name\w*|called|i'm|here|it's|this is|introduce|christened|known|passport|badge|je m'appelle|nom|prenom|c'est|suis|ici|appelle\w*|papiers|sign",
    "nickname": r"call\w*|nick\w*|known|name|says?|shout\w*|go by|answer|fine|surnom\w*|appelle\w*|disent|dit|dis",
    "age": r"\d+|old|birthday|turn\w*|ans|candles|bougies|age|years|[a-z]+ty|anniversaire|cinquantaine|quarantaine|trentaine",
    "birthday": r"birthday|born|candles|anniversaire|nee?|fete|bougies|turn",
    "nationality": "|".join((words_en.NATIONALITIES + " " + words_fr.NATIONALITIES).split())
    + r"|citizen\w*|passport|nationality|nationalite|passeport",
    "pronouns": r"pronouns?|pronoms?|they/them|she/her|he/him|iel",
    "religion": rf"{words_en.RELIGIONS}|{words_fr.RELIGIONS}|church|mosque|synagogue|temple|pray|faith|mass|eglise|mosquee|prie|foi|messe|ramadan|sabbath|shabbat|baptised|converted",
    "marital_status": r"married|single|divorced?|widow\w*|engaged|separated|wife|husband|marie\w*|celibataire|veuve?|fiance\w*|pacse\w*|separe\w*|broke up|split",
    "home": r"live\w*|living|moved|moving|home|flat|house|apartment|address|rent\w*|based|settle\w*|room|door|street|roof|neighbou?rhood|sleep|keys|mortgage|roommate|flatmate|balcony|place|town|city|block|postcode|habit\w+|vis|vit|vivons|vivre|demenage\w*|emmenage\w*|chez-moi|chez moi|appartement|maison|loge\w*|loue\w*|installe\w*|chambre|porte|adresse|colocation|quartier|deux-pieces|studio|balcon|toit|ville|valises|window|kitchen|fenetre|cuisine|keys?|cles?",
    "hometown": r"from|born|grew|raised|childhood|roots|native|hometown|family|kid|parents|origin\w*|come|viens|vient|ne|nee|grandi|enfance|origine|originaire|famille|natal\w*|petite?|gamine?|bred",
    "lived_in": r"lived|used to|spent|years|left|moved|until|before|once|ago|back|vecu|habit\w+|vivais|quitte|passe|avant|annees|ans|jusqu'\w+|etais",
    "job": r"work\w*|job|living|profession\w*|career|shift|boss|office|patients|clients|customers|students|pupils|hired|paid|pays|day|trade|i'm an?|as an?|run|own|teach\w*|drive|train\w* as|qualified|retired|travail\w*|bosse|metier|boulot|taf|carriere|gagne|profession|clients|eleves|patientes?|retraite\w*|suis|enseigne|tiens|journee|journees|bureau|mornings|ward|desk|practice|firm|business|company|freelance",
    "employer": r"work\w*|job|hired|company|employ\w*|boss|join\w*|office|firm|started|intern\w*|colleagues|travail\w*|bosse|embauche\w*|boite|entreprise|employ\w*|chez|recrute\w*|poste|contrat|stage|alternance|contract",
    "past_job": r"was|used to|former\w*|before|years|career|retired|once|ago|left|quit|ex|until|spent|etais|avant|ancien\w*|carriere|ai|pendant|quitte|retraite\w*|autrefois",
    "schedule": r"work\w*|shifts?|part[- ]time|full[- ]time|remote\w*|from home|job|off on|travail\w*|bosse\w*|mi-temps|horaires?|teletravail|boulot|poste",
    "school": r"study|studying|student|school|university|college|uni|degree|class|year|enrolled|course|etudi\w+|ecole|universite|fac|lycee|college|cours|annee|campus|inscrite?",
    "field_of_study": r"study|studying|studied|degree|phd|master\w*|major\w*|course|thesis|student|reading|bachelor\w*|class\w*|exam\w*|etud\w+|master|these|licence|cours|bts|diplome|fac|annee|prepare|formation",
    "partner": rf"{words_en.KIN['partner']}|{words_fr.KIN['partner']}|married|dating|marie\w*|couple|engaged|together|ensemble",
    "mother": rf"{words_en.KIN['mother']}|{words_fr.KIN['mother']}",
    "father": rf"{words_en.KIN['father']}|{words_fr.KIN['father']}",
    "child": rf"{words_en.KIN['child']}|{words_fr.KIN['child']}|children|boy|girl|pregnant|mum|dad|parent|born|garcon|enceinte|maman|papa|nee?|rascals|little ones",
    "sibling": rf"{words_en.KIN['sibling']}|{words_fr.KIN['sibling']}|only child|unique",
    "relative": rf"{words_en.KIN['relative']}|{words_fr.KIN['relative']}",
    "friend": rf"{words_en.KIN['friend']}|{words_fr.KIN['friend']}|friends|mates|amis|amies|copains?|copines?|potes",
    "colleague": rf"{words_en.KIN['colleague']}|{words_fr.KIN['colleague']}|colleagues|collegues|work\w*|travail\w*|office|bureau",
    "pet": rf"(?:{words_en.ANIMALS}|{words_fr.ANIMALS})s?|pet|pets|paws|tail|vet|fur|barks?|meows?|litter|leash|compagnon|pattes|veto|aquarium|terrarium",
    "allergy": r"allerg\w*|intoleran\w*|sneez\w*|swell\w*|hives|rash|itch\w*|epipen|throat|hospital|wheez\w*|breathe|anaphyla\w*|react\w*|break out|er|eternu\w*|gonfl\w*|urticaire|boutons|plaques|gorge|hopital|gratt\w*|respire\w*|larmoy\w*|pleurer|tolere\w*|blotch\w*",
    "condition": rf"{words_en.CONDITIONS}|{words_fr.CONDITIONS}|{words_en.CONDITION_ADJECTIVES}|{words_fr.CONDITION_ADJECTIVES}|diagnos\w*|suffer\w*|disease|syndrome|disorder|illness|chronic|condition|doctors?|medecins?|souffre\w*|maladie|trouble|atteinte?|chronique|pain|douleurs?|crises?|attacks?",
    "medication": rf"{words_en.MEDICINES}|{words_fr.MEDICINES}|pills?|tablets?|medication|meds|prescri\w*|inject\w*|dose|drops|medicaments?|cachets?|comprimes?|ordonnance|traitement|piqure|gouttes|inhaler|times a day|fois par jour",
    "diet": rf"{words_en.FOODS}|{words_fr.FOODS}|{words_en.DRINKS}|{words_fr.DRINKS}|eat\w*|ate|diet|vegan\w*|vegetari\w*|vegeta\w*|halal|kosher|casher|keto|sober|regime|mang\w+|bois|sans",
    "fear": r"fear\w*|afraid|scar\w+|terrif\w*|fright\w*|phobi\w*|panic\w*|creeps?|nightmares?|petrif\w*|freak\w*|knees|sweat\w*|shak\w+|trembl\w*|heart|peur|phobie|terrifi\w*|terroris\w*|angoiss\w*|panique\w*|trouille|flippe\w*|frousse|cauchemars?|effra\w*|vertige|jambes|dread\w*|anxious",
    "likes": _LIKED,
    "dislikes": _DISLIKED,
    "favorite_food": _LIKED,
    "favorite_drink": _LIKED + r"|drink\w*|bois|boisson|cup|tasse|mug|pint|black|milk|lait",
    "favorite_color": r"colou?rs?|couleurs?|paint\w*|wear|shade|teinte|" + _LIKED,
    "favorite_music": _LIKED + r"|listen\w*|music|musique|song|band|album|ecout\w*|groupe|playlist|loop|boucle|concert",
    "favorite_book": _LIKED + r"|read\w*|book|novel|livre|roman|relu\w*|lis|lu",
    "favorite_film": _LIKED + r"|watch\w*|film\w*|movie|serie\w*|seen|regard\w*|vu",
    "favorite_place": _LIKED + r"|place|spot|city|endroit|ville|lieu|coin",
    "favorite_season": r"spring|summer|autumn|fall|winter|printemps|ete|automne|hiver",
    "favorite_animal": _LIKED + r"|animals?|animaux",
    "team": r"support\w*|team|club|fan|fc|united|city|season ticket|match|matches|root\w*|till i die|stadium|equipe|soutiens|stade|as|om|psg|vie|derriere",
    "language": "|".join((words_en.LANGUAGES + " " + words_fr.LANGUAGES).split()),
    "hobby": _DONE + r"|\w+ing",
    "sport": rf"{_DONE}|{words_en.SPORTS}|{words_en.EXERCISES}|{words_fr.SPORTS}|{words_fr.EXERCISES}|run|cours|gym|sport",
    "instrument": rf"(?:{words_en.INSTRUMENTS}|{words_fr.INSTRUMENTS})s?",
    "skill": r"can|know how|good at|able|skilled|taught myself|learn\w*|fluent|sais|douee?|appris|capable|talent\w*",
    "goal": r"want|dream\w*|goal|hope|hoping|aim\w*|ambition|one day|someday|saving|save up|wish|learn\w*|train\w*|become|plan\w*|reve\w*|but|objectif|voudrais|aimerais|veux|un jour|envie|economise\w*|argent de cote|apprendre|devenir|espere|souhaite|before i|working towards|finally",
    "plan": r"plan\w*|going to|will|next|tomorrow|booked|soon|in (?:january|february|march|april|may|june|july|august|september|october|november|december)|i'll|we'll|this (?:summer|autumn|winter|spring|year|month|weekend)|getting|starting|moving|saving|prevu|prochaine?|bientot|vais|va|allons|compte|pars|demain|cet|cette|projet|reserve|prevois|argent de cote|gonna",
    "travel_plan": r"trip|travel\w*|fly\w*|flight|going|off to|booked|visit\w*|holiday|vacation|heading|tickets?|packed|packing|pars|part|partons|partir|voyage|vacances|vol|billets?|envole\w*|vais|allons|sejour|reserve|next|this|prochaine?|cet|cette|honeymoon|cruise",
    "visited": r"been to|visited|went|travelled|traveled|trip|back from|seen|backpack\w*|holiday|visite|allee?s?|voyage|revenue?s?|rentree?s?|decouvert|parcouru|vacances|sejour",
    "vehicle": rf"(?:{words_en.VEHICLES}|{words_fr.VEHICLES})s?|driv\w*|ride|riding|wheel|garage|roule|conduis|volant|parked|commute",
    "owns": r"own\w*|have|got|bought|my|our|inherit\w*|keep|attic|garage|possede|ai|achete|mon|ma|mes|notre|collection",
}
_COMPILED = {key: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])") for key, words in _CUES.items()}
_NOT_LIKED = re.compile(rf"(?<![a-z])(?:{_DISLIKED})(?![a-z])")
_PASSING = re.compile(
    r"\b(?:tired|bored|hungry|thirsty|busy|late|today|tonight|ready|sick|fatiguee?|faim|soif|presse|malade aujourd'hui|ce soir)\b"
)
_VAGUE = re.compile(
    r"^(?:it|this|that|thing|things|something|you|me|my|your|ca|cela|truc|chose|toi|moi|yes|no|good|bad|bien|mal|i|we|je|on)$"
)


def bears_out(key: str, clause: str, value: str) -> bool:
    """Whether the clause speaks of this kind of fact, and the value is something rather than a filler."""
    said, meant = plain(clause).text, fold(value.strip())
    if _VAGUE.match(meant) or not _COMPILED[key].search(said):
        return False
    if (
        key in {"likes", "favorite_food", "favorite_drink"}
        and _NOT_LIKED.search(said)
        and not _COMPILED["likes"].search(said)
    ):
        return False
    if key in {"hobby", "likes", "skill", "condition", "plan"} and _PASSING.search(said) and _PASSING.search(meant):
        return False
    return key != "past_job" or is_job(value) or len(value.split()) > 1
