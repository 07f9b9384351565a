"""Classes of French words that rules tell apart: who, which animal, which work, which illness. Small letters, no accents."""

# ruff: noqa: E501 (lists)
from __future__ import annotations

NATIONALITIES = (
    "francais francaise allemand allemande anglais anglaise americain americaine argentin argentine australien australienne autrichien autrichienne belge beninois beninoise bolivien bolivienne bresilien bresilienne britannique bulgare"
    " burkinabe camerounais camerounaise canadien canadienne chilien chilienne chinois chinoise colombien colombienne comorien comorienne congolais congolaise coreen coreenne croate cubain cubaine danois danoise ecossais ecossaise egyptien egyptienne espagnol espagnole ethiopien"
    " ethiopienne finlandais finlandaise gabonais gabonaise gallois galloise grec grecque guineen guineenne haitien haitienne hollandais hollandaise hongrois hongroise indien indienne indonesien iranien iranienne irakien irakienne irlandais irlandaise islandais"
    " islandaise israelien israelienne italien italienne ivoirien ivoirienne japonais japonaise kabyle kurde libanais libanaise luxembourgeois luxembourgeoise malgache malien malienne marocain marocaine mauricien mauritanien mexicain mexicaine neerlandais neerlandaise nigerian nigerien norvegien"
    " norvegienne pakistanais peruvien peruvienne philippin philippine polonais polonaise portugais portugaise quebecois quebecoise roumain roumaine russe rwandais senegalais senegalaise serbe slovaque slovene suedois suedoise suisse syrien syrienne tcheque thailandais togolais togolaise tunisien"
    " tunisienne turc turque ukrainien ukrainienne uruguayen venezuelien vietnamien vietnamienne algerien algerienne breton bretonne basque corse catalan catalane antillais antillaise guadeloupeen guadeloupeenne martiniquais martiniquaise reunionnais reunionnaise alsacien alsacienne palestinien palestinienne afghan afghane"
)
LANGUAGES = (
    "francais anglais allemand espagnol italien portugais arabe russe chinois mandarin japonais coreen neerlandais flamand polonais breton basque corse occitan catalan turc grec hebreu hindi ourdou persan farsi vietnamien thai wolof bambara peul lingala swahili creole kabyle berbere amazigh"
    " alsacien suedois norvegien danois finnois islandais hongrois roumain tcheque slovaque bulgare serbe croate ukrainien latin esperanto malgache tamoul bengali somali gaelique irlandais gallois yiddish armenien georgien lsf"
)
RELIGIONS = "musulmane?|chretienn?e?|catholique|protestante?|juive?|juif|bouddhiste|hindoue?|athee|agnostique|orthodoxe|sikh|evangelique"
KIN = {
    "partner": "femme|mari|copine|copain|compagne|compagnon|conjointe?|epouse|epoux|fiancee?|cheri|cherie|moitie|mec|nana|meuf|petit ami|petite amie",
    "mother": "mere|maman|daronne",
    "father": "pere|papa|daron",
    "child": "fils|fille|bebe|aine|ainee|cadet|cadette|benjamin|benjamine|dernier|derniere|petit dernier|petite derniere|enfants|gosses|jumeaux|jumelles|garcons|filles|beau-fils|belle-fille|petit garcon|petite fille|gamin|gamine",
    "sibling": "soeur|frere|jumeau|jumelle|frangin|frangine|demi-frere|demi-soeur|freres|soeurs|frerot|frangins|frangines",
    "relative": "grand-mere|grand-pere|mamie|papi|papy|mamy|meme|pepe|oncle|tante|tonton|tata|cousine?|neveu|niece|petit-fils|petite-fille|belle-mere|beau-pere|belle-soeur|beau-frere|parrain|marraine|filleule?",
    "friend": "amie?|pote|meilleure? amie?|coloc|colocataire|copain d'enfance|copine d'enfance",
    "colleague": "chef|cheffe|patronne?|collegue|manager|boss|superieure?|associee?|stagiaire|tuteur|tutrice",
}
ANIMALS = (
    "chien|chienne|chat|chatte|chaton|chatonne|chiot|toutou|matou|cheval|jument|poney|ane|lapin|lapine|lapin nain|hamster|gerbille|cochon d'inde|cobaye|rat|souris|chinchilla|herisson|perroquet|perruche|canari|tortue|poisson rouge|poisson|serpent|python|lezard|gecko|iguane|furet|poule|canard|oie|chevre|mouton|cochon"
    "|labrador|golden retriever|berger allemand|berger australien|border collie|caniche|beagle|teckel|bouledogue|carlin|chihuahua|husky|epagneul|setter|cocker|jack russell|yorkshire|bichon|levrier|rottweiler|corgi|dalmatien|abeille|ruche|siamois|maine coon|persan|batard|mygale|oiseau|pigeon"
)
OCCUPATIONS = (
    "accompagnateur acteur actrice agent agriculteur agricultrice aide-soignant aide-soignante analyste anesthesiste animateur animatrice apiculteur apicultrice architecte archeologue artisan artiste assistant assistante auteur autrice avocat avocate barman barista berger bergere bibliothecaire"
    " bijoutier bijoutiere biologiste boucher bouchere boulanger boulangere brasseur cadre caissier caissiere cariste carreleur chanteur chanteuse charpentier chauffeur chauffeuse chef cheffe chercheur chercheuse chimiste chirurgien chirurgienne coiffeur coiffeuse comedien comedienne"
    " commercial commerciale commercante commercant comptable concepteur conducteur conductrice conseiller conseillere consultant consultante contremaitre correcteur correctrice couturier couturiere couvreur cuisinier cuisiniere danseur danseuse dentiste designer developpeur developpeuse directeur directrice ebeniste economiste"
    " editeur editrice educateur educatrice electricien electricienne employe employee enseignant enseignante entrepreneur entrepreneuse ergotherapeute esthéticienne estheticienne etudiant etudiante facteur factrice fleuriste fonctionnaire formateur formatrice frigoriste garagiste gardien gardienne geologue gendarme gerant gerante"
    " graphiste guide horloger illustrateur illustratrice infirmier infirmiere influenceuse informaticien informaticienne ingenieur ingenieure instituteur institutrice interprete jardinier jardiniere journaliste juge juriste kine kinesitherapeute libraire livreur livreuse lyceen lyceenne macon magasinier magistrat maire maitresse manutentionnaire"
    " maraicher maraichere marin masseur masseuse mathematicien mecanicien mecanicienne medecin menuisier militaire moniteur monitrice musicien musicienne notaire nounou opticien opticienne orthophoniste osteopathe ouvrier ouvriere patissier patissiere pecheur peintre pharmacien pharmacienne photographe physicien physicienne pilote plombier"
    " poissonnier policier policiere pompier postier pretre professeur professeure prof proviseur psychiatre psychologue psy pasteur puericultrice radiologue realisateur realisatrice receptionniste redacteur redactrice restaurateur retraite retraitee routier sage-femme scientifique secretaire serrurier serveur serveuse soldat soudeur standardiste"
    " stagiaire steward surveillant surveillante tatoueur tatoueuse technicien technicienne traducteur traductrice urbaniste vendeur vendeuse veterinaire vigneron vigneronne webdesigner ecrivain ecrivaine auto-entrepreneur freelance independant independante intermittent intermittente apprenti apprentie alternant alternante doctorant doctorante hotesse astronome ingenieure sculpteur sculptrice potier potiere"
)
NOT_WORK = (
    "triste egoiste realiste pessimiste optimiste feministe perfectionniste idealiste fier fiere entier premier dernier particulier majeur mineur meilleur reveur raleur menteur chanceux lecteur lectrice amateur fumeur buveur gros grosse petit petite grand grande mauvais mauvaise bon bonne vrai vraie pauvre"
    " leger cher fier etranger altruiste defaitiste arriviste egoiste materialiste majeur mineur flatteur charmeur bosseur joueur vegetarien vegetarienne vegetalien vegetalienne pescetarien pescetarienne flexitarien flexitarienne vegane humain femme homme mere pere maman papa fille fils gamin etranger inconnu noob expert client cliente patient patiente bourreau simple fan"
)
CONDITIONS = r"diabete(?: de type [12])?|asthme|epilepsie|migraines?|arthrose|arthrite|insomnies?|hypertension|rhume des foins|eczema|psoriasis|endometriose|fibromyalgie|lupus|scoliose|acouphenes|vertiges?|glaucome|cataracte|sciatique|goutte|apnee du sommeil|anemie|dyslexie|dyspraxie|autisme|troubles? bipolaires?|parkinson|sclerose en plaques|hypothyroidie|depression|anxiete|tdah|toc|cancer|leucemie|maladie de crohn|cholesterol|appareils? auditifs?|hernie discale|problemes? de dos|pacemaker|diabete"
CONDITION_ADJECTIVES = r"diabetique|asthmatique|epileptique|insomniaque|daltonienn?e?|sourde?(?: d'une oreille)?|malentendante?|aveugle|malvoyante?|dyslexique|dyspraxique|autiste|bipolaire|anemiee?|anemique|hypertendue?|migraineuse|migraineux|depressive|depressif|myope|coeliaque|en remission|en fauteuil roulant|hypothyroidienne|claustrophobe|agoraphobe"
MEDICINES = r"insuline|ibuprofene|paracetamol|doliprane|aspirine|antibiotiques|antihistaminiques?|antidepresseurs|anticoagulants|betabloquants|beta-bloquants|statines|cortisone|la pilule|lithium|ritaline|xanax|prozac|ventoline|levothyrox|anxiolytiques|somniferes|antidouleurs|fer|metformine|mon traitement|morphine|lexomil|seroplex|zoloft|ozempic|tramadol"
FOODS = r"viande|viande rouge|porc|boeuf|poisson|fruits de mer|gluten|sucre|oeufs|lait|laitages|produits laitiers|lactose|fromage|pain|poulet|agneau|noix|ble|produits animaux"
DRINKS = r"alcool|cafe|the|lait|vin|biere|soda|sodas"
SPORTS = r"foot(?:ball)?|tennis(?: de table)?|basket(?:-ball)?|volley(?:-ball)?|rugby|hand(?:ball)?|hockey|badminton|golf|base-?ball|cricket|squash|ping-pong|petanque|echecs|padel|billard|flechettes|bridge|water-polo"
EXERCISES = r"course a pied|running|natation|aquagym|velo|vtt|cyclisme|escalade|bloc|ski|snowboard|surf|planche a voile|voile|aviron|rando(?:nnee)?s?|marche nordique|boxe|patin(?:age)?|roller|skate|kayak|canoe|plongee|equitation|cheval|escrime|yoga|pilates|judo|karate|aikido|taekwondo|crossfit|gym(?:nastique)?|muscu(?:lation)?|tir a l'arc|triathlon|danse|athletisme|parkour|trail|fitness|jogging|footing|capoeira|sport|parapente"
PASTIMES = r"poterie|ceramique|peinture|aquarelle|dessin|tricot|crochet|couture|broderie|jardinage|cuisine|patisserie|photo(?:graphie)?|theatre|impro|chorale|chant|musique|peche|camping|bricolage|menuiserie|calligraphie|origami|scrapbooking|jeux de societe|jeux video|astronomie|genealogie|modelisme|maquettes|philatelie|salsa|benevolat|apiculture|ornithologie|radio|sculpture|macrame|mosaique|speleo|oenologie|jeu de role"
INSTRUMENTS = r"guitare(?: electrique| classique)?|piano|violon|alto|violoncelle|batterie|flute(?: traversiere| a bec)?|basse|contrebasse|saxo(?:phone)?|trompette|trombone|harpe|clarinette|accordeon|ukulele|banjo|hautbois|basson|mandoline|harmonica|clavier|synthe|orgue|percussions|cornemuse|djembe|tuba"
BELONGINGS = r"maison|appartement|chalet|ferme|bateau|voilier|kayak|caravane|camping-car|van|piano|guitare|telescope|microscope|jardin|potager|serre|platine|imprimante 3d|drone|machine a coudre|four a ceramique|appareil photo|videoprojecteur|synthe|ps5|playstation|xbox|switch|liseuse|piscine|sauna|atelier|vignoble|ruches?|restaurant|boutique|librairie|boulangerie|galerie|entreprise|boite|studio|gite"
VEHICLES = r"voiture|bagnole|van|moto|scooter|mobylette|velo(?: electrique| cargo)?|trottinette(?: electrique)?|camion|camionnette|cabriolet|break|4x4|suv|tracteur|clio|twingo|megane|kangoo|zoe|peugeot|renault|citroen|206|207|208|307|308|2cv|c3|dacia|duster|sandero|fiat|panda|toyota|yaris|prius|tesla|bmw|audi|mercedes|golf|polo|volkswagen|volvo|ford|fiesta|opel|corsa|skoda|honda|kawasaki|yamaha|ducati|vespa|harley|mini|smart|lada|seat|ibiza|kia|hyundai|nissan|mazda"
