"""Classes of English words that rules tell apart: who, which animal, which work, which illness. Small letters, no accents."""

# ruff: noqa: E501 (lists)
from __future__ import annotations

NATIONALITIES = (
    "afghan african albanian algerian american argentinian armenian asian australian austrian bangladeshi basque belgian bolivian bosnian brazilian british bulgarian cambodian"
    " cameroonian canadian catalan chilean chinese colombian congolese corsican croatian cuban cypriot czech danish dominican dutch ecuadorian egyptian english"
    " eritrean estonian ethiopian european filipino finnish flemish french georgian german ghanaian greek guatemalan haitian hungarian icelandic indian"
    " indonesian iranian iraqi irish israeli italian ivorian jamaican japanese jordanian kazakh kenyan korean kurdish kuwaiti latvian lebanese"
    " libyan lithuanian malaysian maltese mexican moldovan mongolian moroccan mozambican nepalese nepali nigerian norwegian pakistani palestinian panamanian"
    " persian peruvian polish portuguese puerto-rican romanian russian rwandan salvadoran saudi scottish senegalese serbian singaporean"
    " slovak slovenian somali spanish sudanese swedish swiss syrian taiwanese tanzanian thai tibetan togolese tunisian turkish ugandan"
    " ukrainian uruguayan uzbek venezuelan vietnamese welsh yemeni zambian zimbabwean texan"
)
LANGUAGES = (
    "afrikaans albanian amharic arabic armenian basque bengali breton bulgarian burmese cantonese catalan chinese corsican creole croatian czech danish"
    " dutch english esperanto estonian farsi finnish flemish french frisian gaelic galician georgian german greek gujarati hausa hebrew hindi hungarian"
    " icelandic igbo indonesian irish italian japanese kannada kazakh khmer korean kurdish lao latin latvian lithuanian luxembourgish malay"
    " malayalam maltese mandarin marathi mongolian nepali norwegian occitan pashto persian polish portuguese punjabi quechua romanian russian"
    " serbian sinhala slovak slovenian somali spanish swahili swedish tagalog tamil telugu thai tibetan tigrinya turkish twi ukrainian urdu"
    " uzbek vietnamese welsh wolof xhosa yiddish yoruba zulu asl bsl"
)
RELIGIONS = "muslim|christian|catholic|protestant|jewish|buddhist|hindu|sikh|atheist|agnostic|mormon|quaker|lutheran|methodist|baptist|anglican|orthodox|pagan|jain|bahai"
KIN = {
    "partner": "wife|husband|partner|girlfriend|boyfriend|fiancee?|spouse|other half|better half|hubby|wifey|missus|gf|bf",
    "mother": "mother|mum|mom|mama|mam|ma",
    "father": "father|dad|papa|daddy|pa",
    "child": "son|daughter|baby|kid|child|youngest|eldest|oldest|firstborn|stepson|stepdaughter|toddler|twins|kids|children|boys|girls|sons|daughters|little one|little boy|little girl",
    "sibling": "sister|brother|twin|sibling|stepbrother|stepsister|half-brother|half-sister|bro|sis|sisters|brothers|siblings",
    "relative": "grandmother|grandfather|grandma|grandpa|granny|gran|nan|nana|grandad|granddad|uncle|aunt|auntie|cousin|nephew|niece|grandson|granddaughter|grandchild|mother-in-law|father-in-law|sister-in-law|brother-in-law|godmother|godfather|godson|goddaughter|stepmum|stepmom|stepdad|stepfather|stepmother",
    "friend": "friend|mate|bestie|buddy|pal|bff|roommate|flatmate|housemate|penpal",
    "colleague": "boss|manager|colleague|coworker|co-worker|workmate|supervisor|team lead|business partner|assistant|intern",
}
ANIMALS = (
    "dog|cat|puppy|pup|kitten|kitty|horse|pony|mare|donkey|rabbit|bunny|hamster|gerbil|guinea pig|rat|mouse|chinchilla|hedgehog|parrot|parakeet|budgie|budgerigar|canary|cockatiel|cockatoo"
    "|tortoise|turtle|goldfish|fish|snake|python|lizard|gecko|iguana|bearded dragon|frog|axolotl|ferret|hen|chicken|duck|goose|goat|sheep|pig|alpaca|llama|cow|tarantula|bird|pigeon"
    "|labrador|lab|greyhound|poodle|beagle|corgi|husky|dachshund|terrier|spaniel|retriever|shepherd|bulldog|pug|chihuahua|collie|rottweiler|boxer|whippet|mastiff|malamute|schnauzer"
    "|bee|labradoodle|tabby|tomcat|siamese|maine coon|ragdoll|mutt|mongrel|mixed breed|doggo|labradoodle|cockapoo|great dane|dalmatian|samoyed|shiba"
)
OCCUPATIONS = (
    "accountant actor actress actuary anaesthetist anesthesiologist analyst architect archivist artist assistant astronaut athlete attorney auctioneer auditor author baker barber barista bartender beautician beekeeper"
    " biologist blacksmith bookkeeper bookseller bricklayer broker builder butcher butler captain caregiver carer caretaker carpenter cashier ceo chef chemist childminder chiropractor choreographer cleaner clerk clown coach cobbler"
    " comedian composer concierge conductor consultant contractor cook copywriter counsellor counselor courier croupier curator dancer dentist designer detective developer dietitian director doctor doula driver economist editor"
    " electrician engineer entrepreneur estate agent farmer film-maker filmmaker firefighter fireman fisherman fishmonger florist freelancer gardener geologist goldsmith grocer guide hairdresser handyman historian housewife illustrator"
    " inspector instructor intern interpreter investor janitor jeweller jeweler journalist judge juggler labourer landscaper lawyer lecturer librarian lifeguard locksmith logger magician manager marine masseuse mathematician mechanic"
    " meteorologist midwife miner minister model musician nanny neurologist notary novelist nun nurse nutritionist optician optometrist osteopath painter paralegal paramedic pastor pathologist pharmacist philosopher phlebotomist"
    " photographer physician physicist physio physiotherapist pianist pilot plasterer playwright plumber podcaster poet policeman policewoman politician porter postdoc postie postman potter priest principal producer professor programmer"
    " proofreader psychiatrist psychologist psychotherapist publicist rabbi radiographer radiologist realtor receptionist recruiter referee reporter researcher roofer sailor salesman salesperson saleswoman scaffolder scientist sculptor"
    " seamstress secretary shepherd shopkeeper singer skipper social worker soldier solicitor sommelier statistician stonemason streamer student stuntman surgeon surveyor tailor tattooist teacher technician telemarketer therapist"
    " toolmaker translator trader trucker tutor typist umpire undertaker undergraduate upholsterer usher valet vet veterinarian violinist waiter waitress warden watchmaker web designer weaver welder winemaker writer youtuber zookeeper"
    " paramedic consultant freelance businesswoman businessman tech apprentice trainee stay-at-home sysadmin retiree pensioner ta midshipman specialist analyst advisor adviser planner strategist coordinator officer operator"
)
NOT_WORK = (
    "lover believer beginner owner smoker member runner mother father brother sister winner loner user number person fan reader drinker eater sleeper riser stranger newcomer foreigner"
    " worrier perfectionist optimist pessimist feminist introvert extrovert survivor leader follower thinker talker listener supporter speaker human teenager youngster cancer disaster monster hater"
    " procrastinator atheist realist idealist minimalist hoarder sucker fighter quitter dreamer traveller traveler gamer learner starter tourist narcissist slacker goner driver's daughter son wife husband"
    " local mess wreck genius idiot fool noob newbie bit dinosaur zombie slave expert guest customer client patient visitor outsider taker giver keeper morning night early late terrible bad good great big huge lousy amateur only"
)
CONDITIONS = (
    r"(?:type (?:1|2|one|two) )?diabetes|asthma|epilepsy|migraines?|(?:rheumatoid )?arthritis|insomnia|adhd|add|ocd|ptsd|celiac disease|coeliac disease|crohn'?s(?: disease)?|hay fever|(?:social )?anxiety"
    r"|depression|high blood pressure|hypertension|eczema|psoriasis|endometriosis|fibromyalgia|lupus|scoliosis|tinnitus|vertigo|glaucoma|cataracts|sciatica|gout|ibs|pcos|copd|sleep apn(?:o)?ea|anemia|anaemia"
    r"|dyslexia|dyspraxia|autism|asperger'?s|bipolar(?: disorder)?|parkinson'?s(?: disease)?|multiple sclerosis|ms|hypothyroidism|a heart condition|a pacemaker|cancer|leukemia|leukaemia|narcolepsy|acid reflux|osteoporosis|a stutter|a bad back|a bad knee|hearing aids"
)
CONDITION_ADJECTIVES = r"diabetic|asthmatic|epileptic|colou?r-?\s?blind|deaf(?: in one ear)?|blind(?: in one eye)?|dyslexic|autistic|bipolar|anemic|anaemic|an insomniac|hard of hearing|short-sighted|near-sighted|wheelchair-bound|in a wheelchair|neurodivergent|hypothyroid|in remission"
MEDICINES = (
    r"insulin|ibuprofen|paracetamol|aspirin|antibiotics|antihistamines?|antidepressants|blood thinners|beta[- ]blockers|statins|steroids|the pill|hrt|lithium|ritalin|adderall|xanax|prozac|zoloft|ventolin|ozempic|sleeping pills|painkillers|iron tablets|vitamin d"
    r"|(?:blood pressure|thyroid|anxiety|heart|adhd|asthma) (?:medication|meds|pills|tablets)|an? (?:epipen|inhaler)|\w+(?:pril|olol|statin|azole|cillin|mab|oxetine|traline|xaban|sartan|mycin|formin|roxine|thyroxine|prazole|epam|idone|triptan|profen|codone)"
)
FOODS = "meat|pork|beef|fish|seafood|shellfish|gluten|dairy|eggs?|sugar|lactose|nuts|wheat|bread|carbs|red meat|animal products|cheese|milk|chicken|lamb|soy|sweets"
DRINKS = "alcohol|coffee|caffeine|soda|milk|beer|wine|fizzy drinks|booze|spirits"
SPORTS = "football|soccer|tennis|table tennis|ping[- ]pong|basketball|volleyball|rugby|(?:ice |field )?hockey|badminton|golf|baseball|softball|cricket|squash|handball|netball|lacrosse|water polo|padel|pickleball|darts|snooker|pool|chess|bridge|frisbee"
EXERCISES = (
    r"(?:trail )?running|jogging|swimming|(?:open[- ]water )?swimming|cycling|mountain biking|biking|(?:rock )?climbing|bouldering|skiing|snowboarding|surfing|windsurfing|kitesurfing|sailing|rowing|hiking|boxing|kickboxing|(?:ice |roller )?skating|skateboarding|kayaking|canoeing|paddling"
    r"|(?:scuba )?diving|horse ?riding|fencing|yoga|pilates|judo|karate|aikido|taekwondo|jiu[- ]jitsu|bjj|crossfit|gymnastics|archery|triathlons?|parkour|spinning|weightlifting|powerlifting|ballet|zumba|capoeira|martial arts|tai chi|track and field|athletics|roller derby"
)
PASTIMES = (
    r"fishing|fly[- ]fishing|camping|bird[- ]?watching|birding|dancing|salsa|gardening|knitting|crochet(?:ing)?|sewing|painting|drawing|sketching|pottery|ceramics|woodwork(?:ing)?|photography|calligraphy|origami|baking|cooking|brewing|home[- ]brewing|gaming|video games|board games"
    r"|geocaching|astronomy|stargazing|foraging|genealogy|embroidery|quilting|scrapbooking|model trains|amateur dramatics|improv|stand-up|singing|karaoke|blogging|podcasting|journal(?:l)?ing|meditation|beekeeping|caving|quilting|thrifting|metal detecting|stamp collecting|coding|leatherwork|bonsai"
)
HOBBY_VERBS = r"knit|crochet|sew|paint|draw|sketch|garden|bake|cook|fish|dance|sing|blog|meditate|sculpt|whittle|quilt|embroider|brew|forage|birdwatch|juggle|act|do pottery|write poetry|write poems|write songs|make jewell?ery|build models|do ceramics|restore|make furniture|take photos"
SPORT_VERBS = r"run|jog|swim|cycle|climb|surf|ski|sail|row|box|skate|dive|hike|boulder|snowboard|lift weights|lift|fence|kayak|canoe|ride horses|work out"
INSTRUMENTS = r"(?:electric |acoustic |bass |classical )?guitar|piano|violin|viola|cello|drums|flute|(?:double )?bass|sax(?:ophone)?|trumpet|trombone|harp|clarinet|accordion|ukulele|banjo|oboe|bassoon|mandolin|harmonica|keyboards?|organ|recorder|fiddle|bagpipes|sitar|didgeridoo|french horn|tuba|percussion|harpsichord"
BELONGINGS = (
    r"house|flat|apartment|cottage|cabin|farm|boat|sailboat|canoe|kayak|narrowboat|yacht|caravan|camper(?: ?van)?|motorhome|piano|guitar|telescope|microscope|allotment|garden|greenhouse|record player|turntable|3d printer|drone|sewing machine|loom|kiln|pottery wheel|camera|projector|synth(?:esi[sz]er)?"
    r"|ps5|playstation|xbox|nintendo switch|switch|kindle|ipad|macbook|sauna|hot tub|pool|workshop|vineyard|beehives?|treadmill|espresso machine|smoker|bakery|restaurant|shop|cafe|gallery|company|business|startup|studio"
)
VEHICLES = r"car|van|motorbike|motorcycle|scooter|moped|bike|bicycle|e-bike|truck|pickup(?: truck)?|jeep|convertible|hatchback|campervan|camper van|tractor|minivan|suv|volvo|toyota|honda|ford|fiat|tesla|bmw|audi|mercedes|volkswagen|vw|golf gti|polo|beetle|mini|skoda|seat|renault|peugeot|citroen|nissan|mazda|subaru|kia|hyundai|lada|saab|porsche|ferrari|jaguar|vespa|harley(?:[- ]davidson)?|kawasaki|yamaha|ducati|triumph|suzuki|opel|dacia|lexus|land rover|range rover|prius|corolla|civic|brompton|2cv|chevy|chevrolet|dodge|cadillac|mustang|camry"
BRANDS = r"volvo|toyota|honda|ford|fiat|tesla|bmw|audi|mercedes|volkswagen|vw|skoda|renault|peugeot|citroen|nissan|mazda|subaru|kia|hyundai|lada|saab|porsche|ferrari|vespa|harley(?:[- ]davidson)?|kawasaki|yamaha|ducati|suzuki|opel|dacia|lexus|land rover|range rover|prius|corolla|brompton|2cv|chevy|chevrolet|cadillac|mustang|clio|twingo|panda|yaris|kangoo"
WORK_FIELDS = r"marketing|sales|finance|it|hr|tech|education|advertising|insurance|real estate|construction|healthcare|law|journalism|publishing|logistics|retail|hospitality|pr|banking|pharma|politics|catering|tourism|agriculture|software|cybersecurity|data science|consulting|accounting|recruitment|fashion|film|television|tv|radio|telecoms|procurement|the army|the navy|the air force|the military|the civil service|the police|the film industry|the music industry|customer service|childcare|social work|human resources|architecture|engineering|biotech|e-commerce|academia|theatre|aviation|shipping|forestry"
