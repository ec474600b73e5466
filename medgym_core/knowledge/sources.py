"""The corpora known by name: the file below `MEDGYM_DATA/corpus`, its format and its licence.

Only permissive text enters a knowledge base by default; what is left out is counted by licence. A licence that a record
states wins over that of its archive.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from medgym_core.errors import unknown_name
from medgym_core.knowledge.licences import permissive
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

ENDINGS = (".tar.xz", ".tar.gz", ".tar.bz2", ".zip", "")  # an archive in any packing, or its unpacked folder
OPENSTAX = "https://openstax.org/details/books/biology"
NSTG = "https://github.com/chisomrutherford/nigeria-clinical-guidelines-dataset"
COVID_QA = "https://github.com/deepset-ai/COVID-QA"
REVIEWS = "https://github.com/asreview/systematic-review-datasets"
OHSU = "custom open licence (OHSU), MEDLINE abstracts"


@dataclass(frozen=True)
class Source:
    """One corpus."""

    name: str
    file: str
    """Below `MEDGYM_DATA/corpus`."""
    format: str
    """A key of READERS."""
    licence: str
    """Of records that state none."""
    options: dict = field(default_factory=dict)
    """Further arguments of the reader."""

    @property
    def permissive(self) -> bool:
        return permissive(self.licence)

    @property
    def reader(self) -> Callable[..., Iterator[Document]]:
        """`(path, rejects=None) -> Iterator[Document]`."""
        from medgym_core.knowledge.readers import READERS

        return partial(READERS[self.format], source=self.name, licence=self.licence, **self.options)

    def find(self, corpus: Path) -> Path | None:
        """Where it lies below the folder `corpus`, in whatever packing; None: it is not there."""
        stem = self.file.removesuffix(".tar.xz")
        places = (Path(corpus) / f"{stem}{ending}" for ending in ENDINGS)
        return next((place for place in places if place.exists()), None)


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source("medquad", "medquad.tar.xz", "medquad", "CC BY 4.0"),
        Source("medlineplus", "medlineplus_topics.tar.xz", "medlineplus_jsonl", "US public domain (NLM)"),
        Source("drug_labels", "nlm_cv_drug_labels.tar.xz", "drug_labels", "US public domain (NLM)"),
        # Each report's licence stands in the archive's table, each article's in its own file.
        Source("pmc_trials", "pmc_trials_ccby_txt.tar.xz", "trial_reports", "unknown"),
        Source("pmc_articles", "pmc_fulltext_ccby_xml.tar.xz", "jats", "unknown"),
        Source("openstax", "openstax_ccby.tar.xz", "cnxml", "CC BY 4.0"),
        Source("openstax_biology", "openstax_biology_md.tar.xz", "markdown", "CC BY 3.0", {"home": OPENSTAX}),
        # Text that sponsors give to a US federal registry for publication.
        Source("ctgov", "ctgov_trials_hint.tar.xz", "trials", "US public domain (ClinicalTrials.gov)"),
        Source("bioasq", "bioasq_7b-11b_golden.tar.xz", "bioasq", "CC BY 2.5"),
        Source("covid_qa", "covid_qa_200423.tar.xz", "squad", "Apache-2.0", {"home": COVID_QA}),
        # By ontology, see ONTOLOGY_LICENCES: HPO may not be altered, which cutting into passages is, so it stays out.
        Source("ontologies", "disease_ontologies.tar.xz", "ontologies", "unknown"),
        Source("nstg", "guidelines_nstg2022_txt.tar.xz", "text", "CC BY 4.0", {"home": NSTG}),
        Source("roco", "roco_captions_ccby.tar.xz", "captions", "unknown"),
        # The drug-class reviews of Cohen et al. (2006) have a licence of their own over MEDLINE abstracts.
        Source(
            "systematic_reviews",
            "systematic_reviews_pubmed.tar.xz",
            "abstracts",
            OHSU,
            {"licences": {"Bannach-Brown_2019": "CC BY 4.0", "Nagtegaal_2019": "CC0"}, "home": REVIEWS},
        ),
    )
}


def permissive_only(documents: Iterable[Document], left_out: Counter[str]) -> Iterator[Document]:
    """The documents whose licence is permissive; the others are counted by licence in `left_out`."""
    for document in documents:
        if permissive(document.licence):
            yield document
        else:
            left_out[document.licence] += 1


def read_corpus(
    name: str,
    path: Path,
    rejects: Rejects | None = None,
    left_out: Counter[str] | None = None,
    any_licence: bool = False,
) -> Iterator[Document]:
    """The documents of a corpus known by name; only those with a permissive licence unless `any_licence`.

    Raises MedGymError for an unknown name, or where there is nothing at `path`.
    """
    if name not in SOURCES:
        raise unknown_name("corpus source", name, SOURCES)
    documents = SOURCES[name].reader(path, rejects)
    return documents if any_licence else permissive_only(documents, Counter() if left_out is None else left_out)
