"""Development sets of retrieval: questions whose right passages are known, read from `MEDGYM_DATA`.

| set | query | relevant |
|---|---|---|
| NFCorpus (Boteva et al. 2016), development split | title of a NutritionFacts page | articles it links, graded |
| BioASQ 7b to 11b (Tsatsaronis et al. 2015) | expert's question | its gold snippets among all snippets |
| PubMedQA (Jin et al. 2019), labelled, without its test split | question | the abstract it was made from |
| Cohen 2006 drug reviews and two others | topic of a review | abstracts it included (2), or let through screening (1) |

Queries are divided by the hash of their text: one half may tune (`tuning`), the other is reported (`queries`). The
reviews are too few to halve: all are reported, and nothing is tuned on them.
"""

import csv
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from medgym_core.errors import MedGymError
from medgym_core.knowledge.evaluate import Judged, Query, passage_of

NFCORPUS = "retrieval_dev/nfcorpus_dev.tar.xz"
BIOASQ = "corpus/bioasq_7b-11b_golden.tar.xz"
PUBMEDQA, PUBMEDQA_TEST = "benchmarks/pubmedqa/ori_pqal.json", "benchmarks/pubmedqa/test_ground_truth.json"
REVIEWS = "corpus/systematic_reviews_pubmed.tar.xz"
CELL = 10_000_000  # characters of a CSV cell


def nfcorpus(root: Path) -> Judged:
    """Titles of NutritionFacts pages; texts come lower-cased and without stop words, as published."""
    files = dict(_members(root / NFCORPUS))
    documents = [line.split("\t", 1) for line in _lines(files, "nfcorpus/dev.docs")]
    passages = {name: passage_of("nfcorpus", name, "", text) for name, text in documents}
    gains: dict[str, dict[str, int]] = {}
    for line in _lines(files, "nfcorpus/dev.2-1-0.qrel"):
        query, _, document, grade = line.split("\t")
        if int(grade) > 0:
            gains.setdefault(query, {})[passages[document].id] = int(grade)
    titles = [line.split("\t", 1) for line in _lines(files, "nfcorpus/dev.titles.queries")]
    return _judged("NFCorpus", passages.values(), [Query(text, gains[name]) for name, text in titles if name in gains])


def bioasq(root: Path) -> Judged:
    """Questions of five years; a snippet that answers several questions is one passage."""
    passages, gains = {}, {}
    for name, content in _members(root / BIOASQ):
        if not name.endswith(".json"):
            continue
        for question in json.loads(content)["questions"]:
            own = gains.setdefault(" ".join(question["body"].split()), {})
            for snippet in question.get("snippets", []):
                text = " ".join(snippet["text"].split())
                passage = passages.setdefault(text, passage_of("bioasq", snippet["document"], "", text))
                own[passage.id] = 1
    return _judged("BioASQ", passages.values(), [Query(text, own) for text, own in gains.items() if own])


def pubmedqa(root: Path) -> Judged:
    """Questions outside the benchmark's test split; the passages are the abstracts of all."""
    rows = json.loads(_content(root / PUBMEDQA))
    held_out = json.loads(_content(root / PUBMEDQA_TEST))
    passages = {pmid: passage_of("pubmedqa", pmid, "", " ".join(row["CONTEXTS"])) for pmid, row in rows.items()}
    queries = [Query(row["QUESTION"], {passages[p].id: 1}) for p, row in rows.items() if p not in held_out]
    return _judged("PubMedQA", passages.values(), queries)


def reviews(root: Path) -> Judged:
    """Topics of systematic reviews; an abstract that was included has grade 2, one that only passed screening 1."""
    files = dict(_members(root / REVIEWS))
    csv.field_size_limit(CELL)
    topics = {row["dataset_id"]: row["topic"] for row in _table(files["systematic_reviews/index.csv"])}
    passages, queries = {}, []
    for name, content in files.items():
        if "/output/" not in name:
            continue
        stem = Path(name).stem
        own = {}
        for number, row in enumerate(_table(content)):
            key = row.get("pubmedID") or row.get("record_id") or str(number)
            words = (" ".join(row["title"].split()), " ".join(row["abstract"].split()))
            if not any(words):
                continue
            passage = passages.setdefault(words, passage_of("reviews", f"{stem}/{key}", *words))
            if grade := (row["label_included"] == "1") + (row.get("label_abstract_screening", "0") == "1"):
                own[passage.id] = grade
        queries.append(Query(topics.get(stem) or topics[f"Cohen_2006_{stem}"], own))
    return Judged("Reviews", list(passages.values()), queries)


DEV_SETS: dict[str, Callable[[Path], Judged]] = {
    "NFCorpus": nfcorpus,
    "BioASQ": bioasq,
    "PubMedQA": pubmedqa,
    "Reviews": reviews,
}


def _judged(name: str, passages: Iterable, queries: list[Query]) -> Judged:
    """The set with its queries in hash order, halved."""
    ordered = sorted(queries, key=lambda query: hashlib.blake2b(query.text.encode()).hexdigest())
    half = len(ordered) // 2
    return Judged(name, list(passages), ordered[half:], ordered[:half])


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the files of an archive."""
    if not path.is_file():
        raise MedGymError("a development set is missing", got=path.name, expected="a file of MEDGYM_DATA", where=path)
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile():
                yield member.name, archive.extractfile(member).read()


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise MedGymError("a development set is missing", got=path.name, expected="a file of MEDGYM_DATA", where=path)
    return path.read_bytes()


def _lines(files: dict[str, bytes], name: str) -> list[str]:
    return files[name].decode("utf-8").splitlines()


def _table(content: bytes) -> csv.DictReader:
    return csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
