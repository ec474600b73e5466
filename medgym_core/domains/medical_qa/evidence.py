"""Evidence tools: searches by kind of source, browsing, citing, comparing sources, weighing options.

Every one goes through the episode's knowledge base. What a search finds is data: it is shown, never followed.
"""

from medgym_core.domains.drug_interaction import rules
from medgym_core.domains.medical_qa import kinds, tables
from medgym_core.domains.medical_qa.searching import PART_WORDS, _parts, _passage
from medgym_core.errors import unknown_name
from medgym_core.knowledge.text import sentences
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool

ACCURACY = ("sensitivity", "specificity", "likelihood ratio", "predictive value")
SUMMARY_SENTENCES = 3
MOST_OPTIONS = 8


@tool("read", static=True)
def search(world: World, queries: str, max_results: int = 3) -> dict:
    """Search the knowledge base with one or several queries; results of the queries take turns.

    Args:
        queries: Queries, separated by semicolons.
        max_results: Number of passages, 1 to 5.
    """
    asked = [q for q in queries.split(";") if q.strip()]
    lists = [kinds.find(world, q, k=max_results) for q in asked] or [kinds.find(world, queries)]
    turns = [(h, q) for i in range(max_results) for hits, q in zip(lists, asked, strict=True) for h in hits[i : i + 1]]
    found: dict[str, str] = {}
    for hit, query in turns:
        if len(found) < max_results:
            found |= kinds.shown([hit], query)
    return found or kinds.shown([], queries)


@tool("read", static=True)
def search_pubmed(world: World, query: str, max_results: int = 3) -> dict:
    """Search abstracts, articles and facts cited to journals.

    Args:
        query: What to look for.
        max_results: Number of passages, 1 to 5.
    """
    return kinds.shown(kinds.find(world, query, "journal", max_results), query, "journal")


@tool("read", static=True)
def search_medical_wiki(world: World, query: str, max_results: int = 3) -> dict:
    """Search encyclopaedic entries on diseases, drugs and tests.

    Args:
        query: What to look for.
        max_results: Number of entries, 1 to 5.
    """
    return kinds.shown(kinds.find(world, query, "encyclopaedia", max_results), query, "encyclopaedia")


def _by_category(world: World, query: str, max_results: int, category: str) -> dict:
    if category and category not in kinds.table():
        raise ToolError(str(unknown_name("category", category, kinds.table())))
    return kinds.shown(kinds.find(world, query, category, max_results), query, category)


@tool("read", static=True)
def search_evidence(world: World, query: str, max_results: int = 3, category: str = "") -> dict:
    """Search all sources, or one category of them.

    Args:
        query: What to look for.
        max_results: Number of passages, 1 to 5.
        category: journal, encyclopaedia, guideline, trial, adverse or interaction; empty for all.
    """
    return _by_category(world, query, max_results, category)


@tool("read", static=True)
def retrieve_evidence(world: World, query: str, max_results: int = 3, category: str = "") -> dict:
    """Passages on a question with their ids, to read or cite.

    Args:
        query: What to look for.
        max_results: Number of passages, 1 to 5.
        category: journal, encyclopaedia, guideline, trial, adverse or interaction; empty for all.
    """
    if category and category not in kinds.table():
        raise ToolError(str(unknown_name("category", category, kinds.table())))
    hits = kinds.find(world, query, category, max_results)
    return {hit.title: hit.id for hit in hits} or kinds.shown([], query, category)


@tool("read", static=True)
def search_guidelines(world: World, condition: str) -> dict:
    """Statements on a condition that are cited to a guideline.

    Args:
        condition: The condition, with what is asked, such as first-line treatment of anaphylaxis.
    """
    return kinds.shown(kinds.find(world, condition, "guideline", 3), condition, "guideline")


@tool("read", static=True)
def search_clinical_trials(world: World, condition: str, intervention: str = "") -> dict:
    """Search trial records.

    Args:
        condition: The condition studied.
        intervention: What was tried.
    """
    query = f"{condition} {intervention}".strip()
    return kinds.shown(kinds.find(world, query, "trial", 3), query, "trial")


@tool("read", static=True)
def search_drug_interactions(world: World, drug_a: str, drug_b: str) -> dict:
    """What table and passages say on two drugs together.

    Args:
        drug_a: One drug.
        drug_b: The other drug.
    """
    a, b = rules.resolve(drug_a), rules.resolve(drug_b)
    found = rules.interaction(a, b) if a and b and a != b else None
    shown = {"severity": found.severity if found else NOT_IN_DATABASE}
    hits = kinds.find(world, f"{drug_a} {drug_b} interaction", "interaction", 5)
    both = [h for h in hits if {normal(drug_a).strip(), normal(drug_b).strip()} <= _words(h)]
    return shown | (kinds.shown(both[:1], f"{drug_a} {drug_b}") if both else {"passages": NOT_IN_DATABASE})


def _words(hit) -> set[str]:
    return set(tokens(f"{hit.title} {hit.snippet}"))


@tool("read", static=True)
def search_adverse_effects(world: World, drug_name: str) -> dict:
    """Hallmark adverse effect of a drug, and what labels and cited facts say.

    Args:
        drug_name: Generic name.
    """
    entry = tables.named("drugs", drug_name)
    hallmark = entry["adverse_effect"][0] if entry and "adverse_effect" in entry else NOT_IN_DATABASE
    wanted = normal(drug_name)
    hits = [
        h for h in kinds.find(world, f"{drug_name} adverse effects", "adverse", 5)
        if wanted in normal(f"{h.title} {h.snippet}")
    ]  # fmt: skip
    return {"hallmark": hallmark} | (kinds.shown(hits[:2], drug_name) if hits else {"labels": NOT_IN_DATABASE})


@tool("read", static=True)
def search_diagnostic_accuracy(world: World, test_name: str, condition: str = "") -> dict:
    """Sentences that state sensitivity, specificity, likelihood ratios or predictive values of a test.

    Args:
        test_name: The test.
        condition: What it is to detect.
    """
    query = f"{test_name} {condition} sensitivity specificity".replace("  ", " ")
    found = {}
    for hit in kinds.find(world, query, k=5):
        stated = [s for s in sentences(hit.snippet) if any(word in s.lower() for word in ACCURACY)]
        if stated and normal(test_name) in normal(f"{hit.title} {hit.snippet}"):
            found[hit.title] = " ".join(stated[0].split()[:24])
    return found or {"accuracy": NOT_IN_DATABASE}


@tool("read", static=True)
def browse(world: World, url_or_id: str, query: str = "") -> dict:
    """The part of a passage that fits a query best, found by id, url or title.

    Args:
        url_or_id: Id, url or title of the passage.
        query: What to look for in it; empty: its beginning.
    """
    text = _passage(world, url_or_id).text
    parts, wanted = _parts(text), set(tokens(query))
    return {"text": max(parts, key=lambda p: len(wanted & set(tokens(p))))}


@tool("read", static=True)
def browse_article(world: World, pmid: str, section: str = "") -> dict:
    """A passage with its section; with a section name, only if the passage is of that section.

    Args:
        pmid: Id or title of the passage.
        section: Name of the section wanted.
    """
    passage = _passage(world, pmid)
    if section and normal(section) not in normal(passage.section):
        raise ToolError("no such section", got=repr(section), expected=passage.section)
    return {"section": passage.section, "text": _parts(passage.text)[0]}


@tool("read", static=True)
def browse_wiki_entry(world: World, entry_id: str) -> dict:
    """An entry's opening text and its source.

    Args:
        entry_id: Id or title of the entry.
    """
    passage = _passage(world, entry_id)
    return {"source": passage.source, "text": _parts(passage.text)[0]}


@tool("read", static=True)
def get_citation(world: World, article_id: str) -> dict:
    """How to cite a passage: title, section, source, licence.

    Args:
        article_id: Id or title of the passage.
    """
    p = _passage(world, article_id)
    return {
        "title": p.title,
        "section": p.section,
        "source": p.source,
        "licence": p.licence,
        "url": p.url or NOT_AVAILABLE,
    }


@tool("read", static=True)
def cross_reference(world: World, query: str, sources: str = "all") -> dict:
    """The best passage of each kind of source, to see whether they agree.

    Args:
        query: What to look for.
        sources: Kinds separated by commas, or all.
    """
    names = list(kinds.table()) if sources.strip().lower() == "all" else [s.strip() for s in sources.split(",")]
    for name in names:
        if name not in kinds.table():
            raise ToolError(str(unknown_name("kind of source", name, kinds.table())))
    found = {name: kinds.find(world, query, name, 1) for name in names}
    return {
        n: f"{h[0].title}: {kinds.gist(h[0].title, h[0].snippet, query)}" if h else NOT_IN_DATABASE
        for n, h in found.items()
    }


@tool("read", static=True)
def summarize_evidence(world: World, query: str, max_sources: int = 3) -> dict:
    """The sentences of the best passages that fit a question, with their titles; nothing is written anew.

    Args:
        query: The question.
        max_sources: Number of passages, 1 to 5.
    """
    wanted = set(tokens(query))
    lines = []
    for hit in kinds.find(world, query, k=max_sources):
        lines += [(len(wanted & set(tokens(s))), hit.title, s) for s in sentences(hit.snippet)]
    lines = sorted((x for x in lines if x[0]), key=lambda x: -x[0])[:SUMMARY_SENTENCES]
    summary = " ".join(" ".join(s for _, _, s in lines).split()[:PART_WORDS])
    return (
        {"summary": summary, "from": ", ".join(dict.fromkeys(t for _, t, _ in lines))}
        if lines
        else {"summary": NOT_IN_DATABASE}
    )


@tool("read", static=True)
def analyze_answer_options(world: World, question: str, options: str) -> dict:
    """How well the passages support each option: score of the best passage that names it. A guide, not a verdict.

    Args:
        question: The question.
        options: The options, separated by semicolons.
    """
    names = [o.strip() for o in options.split(";") if o.strip()]
    if not 2 <= len(names) <= MOST_OPTIONS:
        raise ToolError(
            "bad number of options", got=len(names), expected=f"2 to {MOST_OPTIONS}, separated by semicolons"
        )
    found = {}
    for name in names:
        hits = [
            h for h in kinds.find(world, f"{question} {name}", k=5) if normal(name) in normal(f"{h.title} {h.snippet}")
        ]
        found[name] = number(round(hits[0].score, 2)) if hits else NOT_IN_DATABASE
    return found


KNOWLEDGE_TOOLS = [
    search, browse, search_pubmed, search_medical_wiki, search_evidence, search_guidelines, browse_article,
    browse_wiki_entry, cross_reference, get_citation, search_clinical_trials, search_drug_interactions,
    search_adverse_effects, search_diagnostic_accuracy, retrieve_evidence, analyze_answer_options, summarize_evidence,
]  # fmt: skip

TITLE = "First-line treatment of anaphylaxis"
EXAMPLES = {
    "search": [{"queries": "treatment of anaphylaxis; warfarin antidote"}],
    "browse": [{"url_or_id": TITLE, "query": "dose"}],
    "search_pubmed": [{"query": "CURB-65 pneumonia severity"}],
    "search_medical_wiki": [{"query": "anaphylaxis"}],
    "search_evidence": [{"query": "anaphylaxis", "category": "guideline"}],
    "search_guidelines": [{"condition": "first-line treatment of anaphylaxis"}],
    "browse_article": [{"pmid": TITLE}],
    "browse_wiki_entry": [{"entry_id": TITLE}],
    "cross_reference": [{"query": "anaphylaxis treatment"}],
    "get_citation": [{"article_id": TITLE}],
    "search_clinical_trials": [{"condition": "heart failure", "intervention": "spironolactone"}],
    "search_drug_interactions": [{"drug_a": "warfarin", "drug_b": "amiodarone"}],
    "search_adverse_effects": [{"drug_name": "amiodarone"}],
    "search_diagnostic_accuracy": [{"test_name": "troponin", "condition": "myocardial infarction"}],
    "retrieve_evidence": [{"query": "anaphylaxis"}],
    "analyze_answer_options": [{"question": "antidote of warfarin", "options": "vitamin K; protamine"}],
    "summarize_evidence": [{"query": "What treats anaphylaxis?"}],
}
