"""Words of English that reading a statement needs: which carry little, which mean the same, which turn a sentence
round.

General language only, no clinical facts: names of drugs and conditions come from `medgym_core.clinical.synonyms`.
"""

FUNCTION = frozenset(
    "a about above across after again against all along also am among an and any are as at be because been before "
    "behind being below besides between both but by can could despite did do does doing done down during each "
    "either else even ever every few for from further had has have having he her here hers him his how however i "
    "if in into is it its itself just let like may me might more most much must my nor of off often on once one "
    "only onto or other others our out over own per perhaps quite rather re s same several shall she should since "
    "so some something sometimes still such than that the their theirs them then there therefore these they this "
    "those though through thus to too toward towards under until up upon us usual usually very via was we well "
    "were what when where whether which while who whom whose why will with within would yes yet you your yours "
    "generally typically commonly frequently possibly potentially certain various about approximately around it's "
    "that's you're they're i'm we're".split()
) - {"after", "before", "above", "below", "during", "under", "over"}
"""Words that say nothing of their own. What a statement is about is said by the others."""
GENERIC = frozenset(
    "patient people person individual someone everybody anyone adult help use take make cause condition drug "
    "treat doctor need get give include effect way thing case disease symptom important best sure know consult "
    "recommend risk".split()
)
"""Words that many statements share: half the weight of others."""
PHRASES = {
    "high blood pressure": "hypertension",
    "heart attack": "myocardial infarction",
    "blood sugar": "glucose",
    "over the counter": "otc",
    "over-the-counter": "otc",
    "health care": "healthcare",
    "healthcare provider": "doctor",
    "healthcare professional": "doctor",
    "medical professional": "doctor",
    "health professional": "doctor",
    "right away": "immediately",
    "at once": "immediately",
    "as soon as possible": "immediately",
    "side effect": "sideeffect",
    "side effects": "sideeffect",
    "adverse effect": "sideeffect",
    "adverse effects": "sideeffect",
    "each day": "a day",
    "per day": "a day",
    "daily": "a day",
    "not only": "only",
    "not just": "just",
    "whether or not": "whether",
    "no matter": "whatever",
    "less likely": "decrease",
    "more likely": "increase",
    "rule out": "exclude",
    "not limited to": "",
    "not uncommon": "common",
    "do not hesitate": "",
    "don't hesitate": "",
    "do not worry": "",
    "don't worry": "",
    "no need to worry": "",
    "younger than": "under",
    "less than": "under",
    "fewer than": "under",
    "older than": "over",
    "more than": "over",
}
"""Fixed phrases, replaced before words are read."""
SAME = {
    word: name
    for name, words in {
        "doctor": "physician clinician gp practitioner provider pharmacist",
        "drug": "medication medicine medicament pharmaceutical",
        "child": "children kid kids",
        "infant": "baby babies newborn newborns",
        "disease": "illness disorder diseases disorders illnesses",
        "pregnant": "pregnancy pregnancies",
        "treat": "treatment treatments therapy therapies",
        "infect": "infectious infection infections",
        "contagious": "transmissible catching",
        "prevent": "prevention preventive protect protects protection protecting protected",
        "cause": "causes due trigger triggers triggered",
        "increase": "raise raises raised elevate elevates elevated enhance enhances heighten higher greater worsen",
        "kidney": "renal kidneys",
        "liver": "hepatic",
        "heart": "cardiac",
        "lung": "pulmonary lungs",
        "skin": "dermal cutaneous",
        "stomach": "gastric",
        "immediately": "immediate promptly urgently urgent",
        "year": "yearly annual annually years",
        "stop": "discontinue discontinued quit cease stopping stopped",
        "begin": "start starts started starting begins",
        "sleepiness": "drowsiness drowsy sleepy somnolence",
        "itch": "itching itchy pruritus",
        "recommend": "advise advised advisable advice recommendation",
        "common": "frequent",
        "use": "used utilize utilized usage",
        "include": "including comprise",
        "people": "persons folk humans",
        "safe": "safely safety",
        "effective": "effectively efficacious",
        "allergy": "allergic allergies",
        "doctors": "doctor",
        "person": "patient individual",
        "swell": "swelling swollen oedema edema",
        "worry": "concern concerned worried",
        "eat": "eaten ate",
        "take": "taken took",
        "give": "given gave",
        "drink": "drunk drank",
        "get": "got gotten",
        "keep": "kept",
        "make": "made",
        "know": "knew",
        "find": "found",
        "lose": "lost",
        "feel": "felt",
        "bleed": "bled",
        "grow": "grown grew",
        "build": "built",
    }.items()
    for word in words.split()
}
"""One name for words that mean the same. British spelling and drug names are settled before."""
OPPOSITE = {
    word: name
    for name, words in {
        "increase": "decrease decreases decreased decreasing reduce reduces reduced reducing reduction lower lowers "
        "lowered lowering lessen diminish",
        "safe": "unsafe dangerous",
        "effective": "ineffective useless",
        "common": "rare rarely uncommon seldom",
        "before": "after",
        "above": "below",
        "over": "under",
        "necessary": "unnecessary",
        "likely": "unlikely",
        "possible": "impossible",
        "able": "unable",
        "recommend": "contraindicated",
        "contagious": "noncontagious",
        "harmful": "harmless",
        "known": "unknown",
        "gain": "loss",
        "improve": "worsens",
        "always": "never",
    }.items()
    for word in words.split()
}
"""Words that say the contrary of a word: that word, turned round."""
NEGATORS = frozenset(
    "no not never cannot cant without neither nor none avoid avoids avoided avoiding refrain isnt arent wasnt werent "
    "doesnt dont didnt wont hasnt havent hadnt couldnt shouldnt wouldnt mustnt neednt aint lacks lack hardly".split()
)
"""Turn round the clause they stand in."""
DENIALS = frozenset("false untrue incorrect myth misconception wrong disproved".split())
"""Turn round the whole sentence."""
NUMBERS = {
    w: n
    for n, w in enumerate(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), start=2
    )
} | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100}
"""`one` is left out: it is a pronoun too."""
NAMING = frozenset("type grade stage class phase vitamin group category step level".split())
"""Before a number these make a name: type 2 is something else than type 1, and does not contradict it."""
REFUSALS = (
    "i cannot answer", "i can't answer", "i can not answer", "i don't know", "i do not know", "i'm not sure",
    "i am not sure", "i am unable to", "i'm unable to", "i cannot provide", "i can't provide", "i'm sorry",
    "i am sorry", "as an ai", "no idea", "i refuse", "i cannot help", "i can't help",
)  # fmt: skip
