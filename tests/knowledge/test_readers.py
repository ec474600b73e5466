"""The readers take the official formats and keep source, title, section path, date, licence, address and identifier."""

# ruff: noqa: E501  (the samples are written as their publishers write them)

import gzip
import io
import json
import tarfile
import zipfile
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import licence_name, permissive
from medgym_core.knowledge.readers import READERS, SOURCES, detect, medquad_files, read_medquad, read_source
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.sources import permissive_only, read_corpus

MEDQUAD = """<?xml version="1.0" encoding="UTF-8"?>
<Document id="1" source="GHR" url="https://example.org/gout"><Focus>Gout</Focus><QAPairs>
<QAPair pid="1"><Question qid="1-1" qtype="symptoms">What are the symptoms of Gout ?</Question>
<Answer>Sudden pain &amp; swelling of a joint.</Answer></QAPair>
<QAPair pid="2"><Question qid="1-2" qtype="causes">What causes Gout ?</Question><Answer> </Answer></QAPair>
</QAPairs></Document>"""
MEDQUAD_OLD = """<doc docid="7" corpus="NINDS" url="u"><doctitle-focus>Holmes-Adie</doctitle-focus>
<qaPairs><pair pid="1">
<question qid="7-1" qtype="information">what is it ?</question>
<answer>A disorder of the pupil.</answer></pair></qaPairs></doc>"""
LABEL = """<document setID="ab-1"><labelDrug name="COREG"/><generic name="Carvedilol"/>
<sentence id="s1" text="COREG is a beta blocker."><entity text="coreg"/></sentence>
<sentence id="s2" text="It may interact with digoxin. "/>
</document>"""
TOPICS = (
    '{"Title": "A1C", "URL": "https://example.org/a1c", "page_content": "A blood test."}\n'
    '{"Title": "A1C", "URL": "https://example.org/a1c", "page_content": "It shows sugar."}\n\n'
    '{"Title": "Acne", "URL": "https://example.org/acne", "page_content": ""}\n'
)
PUBMED = """<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN"
 "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">
<PubmedArticleSet><PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">101</PMID><Article>
<Journal><JournalIssue><PubDate><Year>2020</Year><Month>Feb</Month><Day>3</Day></PubDate></JournalIssue></Journal>
<ArticleTitle>Colchicine in <i>acute</i> gout.</ArticleTitle><Abstract>
<AbstractText Label="METHODS">We gave colchicine.</AbstractText>
<AbstractText Label="RESULTS">Pain fell by 50&#37;.</AbstractText>
<CopyrightInformation>This is an open access article under the terms of the Creative Commons Attribution License.
</CopyrightInformation></Abstract></Article></MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>102</PMID><Article><Journal><JournalIssue><PubDate><MedlineDate>1998 Dec-1999 Jan
</MedlineDate></PubDate></JournalIssue></Journal><ArticleTitle>[Only a title].</ArticleTitle></Article>
</MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>101</PMID><Article><ArticleTitle>Again</ArticleTitle><Abstract><AbstractText>Twice.
</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>
<PubmedArticle><MedlineCitation><PMID>103</PMID><Article><Journal><JournalIssue><PubDate><Year>1999</Year></PubDate>
</JournalIssue></Journal><ArticleTitle>Plain</ArticleTitle><Abstract><AbstractText>Allopurinol lowers urate.
</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle></PubmedArticleSet>"""
JATS = """<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) v1.2//EN" "JATS-archivearticle1-mathml3.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta><article-id pub-id-type="pmcid">77</article-id>
<title-group><article-title>Gout in <italic>Erewhon</italic></article-title></title-group>
<pub-date pub-type="epub"><day>9</day><month>3</month><year>2021</year></pub-date><permissions>
<license xlink:href="https://creativecommons.org/licenses/by-nc/4.0/"><license-p>Open.</license-p></license></permissions>
<abstract><sec><title>Aim</title><p>To count.</p></sec></abstract></article-meta></front>
<body><sec><title>Methods</title><p>We asked <xref ref-type="bibr">1</xref>people (<xref ref-type="fig">Fig 1</xref>).</p>
<sec><title>Patients</title><p>Forty&nbsp;men.</p><fig><label>Figure 1</label><caption><p>A big toe.</p></caption></fig>
<table-wrap><label>Table 1</label><caption><p>Doses.</p></caption><table><tr><td>5</td></tr></table></table-wrap></sec></sec>
<sec><title>Competing interests</title><p>None.</p></sec></body><back><ref-list><title>References</title></ref-list></back>
</article>"""
SPL = """<document xmlns="urn:hl7-org:v3"><title>COUMADIN tablets</title><effectiveTime value="20200131"/>
<setId root="d91934a0"/><component><structuredBody><component><section><subject><manufacturedProduct>
<manufacturedProduct><name>Coumadin</name><asEntityWithGeneric><genericMedicine><name>WARFARIN SODIUM</name>
</genericMedicine></asEntityWithGeneric></manufacturedProduct></manufacturedProduct></subject></section></component>
<component><section><title>5 WARNINGS</title><text><paragraph>Bleeding.</paragraph></text><component><section>
<title>5.1 Hemorrhage</title><text><list><item>Monitor INR</item><item>Stop</item></list></text></section></component>
</section></component></structuredBody></component></document>"""
MPLUS = """<!DOCTYPE health-topics SYSTEM "https://medlineplus.gov/xml/mplus_topics.dtd"><health-topics total="2">
<health-topic title="Gout" url="https://medlineplus.gov/gout.html" id="22" language="English" date-created="12/23/2002">
<also-called>Podagra</also-called><full-summary>&lt;h3&gt;What is gout?&lt;/h3&gt;&lt;p&gt;A kind of
arthritis.&lt;/p&gt;&lt;ul&gt;&lt;li&gt;Pain&lt;/li&gt;&lt;li&gt;Heat&lt;/li&gt;&lt;/ul&gt;</full-summary>
</health-topic><health-topic title="Gota" url="u" id="23" language="Spanish"><full-summary>No</full-summary>
</health-topic></health-topics>"""
TRIAL_XML = """<clinical_study><id_info><nct_id>NCT001</nct_id></id_info><brief_title>Gout trial</brief_title>
<brief_summary><textblock>We test a drug.</textblock></brief_summary><condition>Gout</condition>
<eligibility><criteria><textblock>
  Inclusion Criteria:
   - Gout
  Exclusion Criteria:
   - Renal failure</textblock></criteria></eligibility><last_update_posted>June 3, 2020</last_update_posted>
</clinical_study>"""
STUDY = {
    "protocolSection": {
        "identificationModule": {"nctId": "NCT002", "briefTitle": "Urate trial"},
        "statusModule": {"lastUpdatePostDateStruct": {"date": "2021-05-06"}},
        "descriptionModule": {"briefSummary": "We lower urate."},
        "armsInterventionsModule": {
            "interventions": [{"type": "DRUG", "name": "Allopurinol", "description": "300 mg"}]
        },
        "eligibilityModule": {"eligibilityCriteria": "Inclusion Criteria:\n\n* Gout"},
    }
}
CNXML = """<document xmlns="http://cnx.rice.edu/cnxml"><title>Introduction</title><metadata
xmlns:md="http://cnx.rice.edu/mdml"><md:content-id>m1</md:content-id></metadata><content><para>Joints <term>move</term>.
</para><section><title>Knee</title><para>It bends.</para><exercise><problem><para>Does it?</para></problem></exercise>
<table><tgroup><tbody><row><entry>Flexion</entry><entry>135</entry></row></tbody></tgroup></table></section>
<section class="review-questions"><title>Test</title><para>Which?</para></section></content><glossary><definition>
<term>knee</term><meaning>a joint</meaning></definition></glossary></document>"""
COLLECTION = """<col:collection xmlns:col="http://cnx.rice.edu/collxml" xmlns:md="http://cnx.rice.edu/mdml"><col:metadata>
<md:title>Anatomy</md:title><md:slug>anatomy</md:slug><md:license url="http://creativecommons.org/licenses/by-nc-sa/4.0/"/>
</col:metadata><col:content><col:subcollection><md:title>Joints</md:title><col:content><col:module document="m1"/>
</col:content></col:subcollection></col:content></col:collection>"""
MARKDOWN = """---
title: "Joints"
license: "CC BY-SA 4.0"
---
A **knee**{: data-type="term"} bends ([\\[link\\]](#fig)).
<div data-type="exercise" class="x">
Does it?
</div>
## Parts
![alt](a.png "x"){: #fig}
See [cartilage](http://example.org).
### Review Questions
Which?
"""
OBO = """format-version: 1.2
property_value: terms:license https://creativecommons.org/publicdomain/zero/1.0/

[Term]
id: SYMP:1
name: pain
def: "A \\"bad\\" feeling." [url:x]

[Term]
id: SYMP:2
name: backache
synonym: "back pain" EXACT []
is_a: SYMP:1 ! pain

[Term]
id: SYMP:3
name: gone
def: "Old." []
is_obsolete: true
"""
GRAPH = {
    "graphs": [
        {
            "nodes": [
                {"id": "http://purl.obolibrary.org/obo/DOID_1", "lbl": "gout", "meta": {"definition": {"val": "A disease."}}},
                {"id": "http://purl.obolibrary.org/obo/DOID_2", "lbl": "arthritis", "meta": {}},
            ],
            "edges": [{"sub": "http://purl.obolibrary.org/obo/DOID_1", "pred": "is_a", "obj": "http://purl.obolibrary.org/obo/DOID_2"}],
        }
    ]
}  # fmt: skip
BABELON = (
    "source_language\tsubject_id\tpredicate_id\tsource_value\n"
    "en\tHP:1\trdfs:label\tGout\nen\tHP:1\tIAO:0000115\tSwollen toe.\n"
)
BIOASQ = {
    "questions": [
        {
            "id": "q",
            "body": "What treats gout?",
            "ideal_answer": ["Secret answer"],
            "snippets": [
                {"document": "http://www.ncbi.nlm.nih.gov/pubmed/9", "beginSection": "title", "text": "Treating acute gout."},
                {"document": "http://www.ncbi.nlm.nih.gov/pubmed/9", "beginSection": "abstract", "text": "Colchicine helps."},
                {"document": "http://www.ncbi.nlm.nih.gov/pubmed/9", "beginSection": "abstract", "text": "Yes. Colchicine helps."},
            ],
        }
    ]
}  # fmt: skip
COVID = {
    "data": [
        {
            "paragraphs": [
                {
                    "document_id": 5,
                    "context": "A virus\n\nhttps://example.org/v\n\nDate: 2012-02-27\nLicense: cc-by-nc\n\n"
                    "Abstract: We saw it.\n\nText: It is small.",
                    "qas": [{"question": "Is it small?", "answers": [{"text": "secret"}]}],
                }
            ]
        }
    ]
}
REPORT = """TITLE: A trial of gout

  ABSTRACT.BACKGROUND:
Gout hurts.

BODY.1. METHODS.STATISTICAL ANALYSIS:
We counted people with gout in two groups.
10.1/x.t001Table 1BODY.DOSES:
Drug
5
6
7
After the table.

BODY.COMPETING INTERESTS:
None declared.
"""
REPORT_LICENCES = (
    "pmcid\tlicence\tjournal\ttitle\nPMC5\tlicenses/by/4.0\tJ\tX\nPMC6\tlicenses/by-nc/4.0\tJ\tY &amp; Z\n"
)
HTML = """<html><head><title>Gout care</title><link rel="license" href="https://creativecommons.org/licenses/by/4.0/">
<meta name="dc.date" content="2019-04-05T00:00"><style>p {}</style></head><body><nav>Home</nav><h1>Gout care</h1>
<p>Rest.<h2>Drugs</h2><ul><li>Colchicine<li>Naproxen</ul><script>alert(1)</script><h3>Doses</h3>500 &micro;g</body></html>"""
GUIDE = (
    "GOUT\nIntroduction\nA disease of the\njoints.\n\nTREATMENT OF GOUT\nDrug Treatment\n・ Colchicine\n・ Naproxen\n"
)
ABSTRACTS = 'record_id,pubmedID,title,abstract\n1,5,"[Gout, old].","It hurts, a lot."\n2,6,No abstract,\n3,7,Short\n'
CAPTIONS = "roco_id\tkind\tlicence\tpmc_image\tcaption\nR1\tradiology\tCC BY\tPMC3_a.jpg\tX-ray of a toe.\n"


def packed(path: Path, files: dict[str, str | bytes], mode: str = "w:xz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, text in files.items():
            content = text if isinstance(text, bytes) else text.encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def read(format: str, path: Path, **rest) -> tuple[list, Rejects]:
    rejects = Rejects()
    return list(READERS[format](path, rejects, **rest)), rejects


def written(tmp_path: Path, name: str, content) -> Path:
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_medquad_answers_become_sections_and_questions_stay_out(tmp_path):
    files = {"medquad/LICENSE.txt": "CC BY", "medquad/a/1.xml": MEDQUAD, "medquad/b/2.xml": MEDQUAD_OLD}
    path = packed(tmp_path / "m.tar.xz", files)
    (gout, adie), rejects = read("medquad", path)
    assert (gout.title, gout.url, gout.licence, gout.id) == ("Gout", "https://example.org/gout", "CC BY 4.0", "GHR-1")
    assert gout.sections == [("Symptoms", "Sudden pain & swelling of a joint.")]
    assert (adie.title, adie.sections) == ("Holmes-Adie", [("Overview", "A disorder of the pupil.")])
    assert not rejects.count
    assert [pairs[0][0] for _, _, pairs in medquad_files(path)] == ["What are the symptoms of Gout ?", "what is it ?"]


def test_every_packing_gives_the_same_documents(tmp_path):
    files = {"medquad/1.xml": MEDQUAD}
    folder = tmp_path / "medquad"
    folder.mkdir()
    (folder / "1.xml").write_text(MEDQUAD, encoding="utf-8")
    (tmp_path / "1.xml.gz").write_bytes(gzip.compress(MEDQUAD.encode()))
    with zipfile.ZipFile(tmp_path / "m.zip", "w") as archive:
        archive.writestr("medquad/1.xml", MEDQUAD)
    inner = (tmp_path / "m.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "zips.zip", "w") as archive:
        archive.writestr("inner/m.zip", inner)
    tars = [packed(tmp_path / f"m.tar.{kind}", files, f"w:{kind}") for kind in ("xz", "gz", "bz2")]
    tars.append(packed(tmp_path / "gz.tar", {"medquad/1.xml.gz": gzip.compress(MEDQUAD.encode())}, "w"))
    places = (*tars, folder, tmp_path / "1.xml.gz", tmp_path / "m.zip", tmp_path / "zips.zip")
    first, *others = [list(read_medquad(place)) for place in places]
    assert len(first) == 1 and all(other == first for other in others)


def test_pubmed_records_keep_labels_date_and_stated_licence(tmp_path):
    (tmp_path / "pubmed25n0001.xml.gz").write_bytes(gzip.compress(PUBMED.encode()))
    (gout, plain), rejects = read("pubmed", tmp_path / "pubmed25n0001.xml.gz")
    assert (gout.id, gout.title, gout.date) == ("101", "Colchicine in acute gout", "2020-02-03")
    assert gout.sections == [("Abstract > Methods", "We gave colchicine."), ("Abstract > Results", "Pain fell by 50%.")]
    assert (gout.licence, gout.url) == ("CC BY", "https://pubmed.ncbi.nlm.nih.gov/101/")
    assert (plain.id, plain.date, plain.licence) == ("103", "1999", "unknown")
    assert rejects.reasons == {"no text": 1, "duplicate id": 1}
    assert "PMID 102" in rejects.rows[0]["where"]


def test_jats_sections_have_their_path_and_the_article_its_licence(tmp_path):
    (article,), rejects = read("jats", written(tmp_path, "PMC77.xml", JATS))
    assert (article.id, article.title, article.date) == ("PMC77", "Gout in Erewhon", "2021-03-09")
    assert article.licence == "CC BY-NC 4.0" and not permissive(article.licence)
    assert article.sections == [
        ("Abstract > Aim", "To count."),
        ("Methods", "We asked people (Fig 1)."),
        ("Methods > Patients", "Forty men."),
        ("Methods > Patients > Figure 1", "A big toe."),
        ("Methods > Patients > Table 1", "Doses."),
    ]
    assert not rejects.count


def test_labels_are_called_by_generic_and_brand_name(tmp_path):
    (label,), _ = read("drug_labels", packed(tmp_path / "l.tar.xz", {"labels/ab-1.xml": LABEL}))
    assert (label.title, label.id, label.url.rsplit("=")[-1]) == ("carvedilol", "ab-1", "ab-1")
    assert label.sections == [("Drug label (COREG)", "COREG is a beta blocker.\n\nIt may interact with digoxin.")]
    (label,), _ = read("spl", written(tmp_path, "d.xml", SPL))
    assert (label.title, label.id, label.date) == ("warfarin sodium (Coumadin)", "d91934a0", "2020-01-31")
    assert label.sections == [("5 WARNINGS", "Bleeding."), ("5 WARNINGS > 5.1 Hemorrhage", "Monitor INR\nStop")]


def test_medlineplus_is_read_in_both_forms(tmp_path):
    (topic,), rejects = read("medlineplus_jsonl", packed(tmp_path / "t.tar.xz", {"medlineplus/topics.jsonl": TOPICS}))
    assert (topic.title, topic.sections) == ("A1C", [("Overview", "A blood test.\n\nIt shows sugar.")])
    assert rejects.reasons == {"no text": 1}
    (topic,), rejects = read("medlineplus_xml", written(tmp_path, "mplus_topics_2025-01-01.xml", MPLUS))
    assert (topic.title, topic.id, topic.date) == ("Gout", "22", "2002-12-23")
    assert topic.sections[0] == ("What is gout?", "A kind of arthritis.\nPain\nHeat")
    assert topic.sections[1] == ("Also called", "Gout is also called Podagra.") and rejects.reasons == {
        "not English": 1
    }


def test_trials_divide_inclusion_from_exclusion(tmp_path):
    (trial,), _ = read("trials", written(tmp_path, "NCT001.xml", TRIAL_XML))
    assert (trial.id, trial.date, trial.url) == ("NCT001", "2020-06-03", "https://clinicaltrials.gov/study/NCT001")
    assert trial.sections[-2:] == [
        ("Eligibility > Inclusion criteria", "- Gout"),
        ("Eligibility > Exclusion criteria", "- Renal failure"),
    ]
    page = {"studies": [STUDY, {"protocolSection": []}, 7]}
    (trial,), rejects = read("trials", written(tmp_path, "page.json", page))
    assert (trial.id, trial.date, trial.title) == ("NCT002", "2021-05-06", "Urate trial")
    assert ("Interventions", "Drug: Allopurinol. 300 mg") in trial.sections and rejects.count == 2
    rows = "nctid,phase,diseases,drugs,criteria\nNCT3,phase 2,\"['gout']\",\"['colchicine', 'ice']\",Adults\n"
    (trial,), _ = read("trials", written(tmp_path, "t.csv", rows))
    assert (trial.title, trial.sections) == ("Phase 2 trial of colchicine, ice in gout", [("Eligibility", "Adults")])


def test_textbooks_leave_exercises_out(tmp_path):
    files = {"b/collections/a.collection.xml": COLLECTION, "b/modules/m1/index.cnxml": CNXML}
    (module,), _ = read("cnxml", packed(tmp_path / "b.tar.xz", files))
    assert (module.title, module.licence) == ("Joints: Introduction", "CC BY-NC-SA 4.0")
    assert module.sections == [
        ("", "Joints move."),
        ("Knee", "It bends.\n\nFlexion | 135"),
        ("Glossary", "knee: a joint"),
    ]
    (page,), _ = read("markdown", written(tmp_path, "joints.md", MARKDOWN))
    assert (page.title, page.licence) == ("Joints", "CC BY-SA 4.0")
    assert page.sections == [("", "A knee bends."), ("Parts", "See cartilage.")]


def test_ontologies_keep_their_own_licences(tmp_path):
    files = {"o/symp.obo": OBO, "o/doid.json": json.dumps(GRAPH), "o/hp.babelon.tsv": BABELON}
    (gout, pain, back, toe), rejects = read("ontologies", packed(tmp_path / "o.tar.xz", dict(sorted(files.items()))))
    assert (gout.id, gout.licence) == ("DOID:1", "CC0 1.0")
    assert gout.sections == [("Definition", "A disease.\n\ngout is a kind of arthritis.")]
    assert (pain.id, pain.licence, pain.sections) == ("SYMP:1", "CC0 1.0", [("Definition", 'A "bad" feeling.')])
    assert back.sections == [("Synonyms", "backache is also called back pain.")]
    assert (toe.id, toe.title, permissive(toe.licence)) == ("HP:1", "Gout", False) and not rejects.count


def test_questions_and_answers_are_not_read(tmp_path):
    (abstract,), _ = read("bioasq", written(tmp_path, "11B1_golden.json", BIOASQ))
    assert (abstract.id, abstract.title, abstract.licence) == ("9", "Treating acute gout", "CC BY 2.5")
    assert abstract.sections == [("Abstract", "Yes. Colchicine helps.")]
    (article,), _ = read("squad", written(tmp_path, "covid.json", COVID), licence="Apache-2.0")
    assert (article.title, article.date, article.licence) == ("A virus", "2012-02-27", "CC BY-NC")
    assert article.sections == [("Abstract", "We saw it."), ("", "It is small.")]
    assert not any(secret in repr((abstract, article)) for secret in ("What treats", "ecret", "Is it small?"))


def test_trial_reports_get_the_licence_of_their_article(tmp_path):
    files = {
        "e/ARTICLE_LICENCES.tsv": REPORT_LICENCES,
        "e/t/PMC5.txt": REPORT,
        "e/t/PMC6.txt": REPORT.replace("A trial of gout", ""),
        "e/t/PMC7.txt": REPORT,
    }
    reports, _ = read("trial_reports", packed(tmp_path / "e.tar.xz", files))
    assert [report.licence for report in reports] == ["CC BY 4.0", "CC BY-NC 4.0", "unknown"]
    assert [report.title for report in reports] == ["A trial of gout", "Y & Z", "A trial of gout"]
    background, methods = reports[0].sections
    assert background == ("Abstract > Background", "Gout hurts.")
    assert methods[0] == "Methods > Statistical analysis"
    assert "Table 1: Doses.\nAfter the table." in methods[1] and "6" not in methods[1]


def test_pages_and_plain_text_have_sections(tmp_path):
    (page,), _ = read("html", written(tmp_path, "gout.html", HTML))
    assert (page.title, page.licence, page.date) == ("Gout care", "CC BY 4.0", "2019-04-05")
    assert page.sections == [("", "Rest."), ("Drugs", "Colchicine\nNaproxen"), ("Drugs > Doses", "500 µg")]
    (guide,), _ = read("text", written(tmp_path, "GOUT.txt", GUIDE))
    assert guide.title == "Gout"
    assert guide.sections == [
        ("Introduction", "A disease of the\njoints."),
        ("Treatment > Drug Treatment", "- Colchicine\n- Naproxen"),
    ]


def test_rows_become_documents(tmp_path):
    (first,), rejects = read("abstracts", written(tmp_path, "set.csv", ABSTRACTS))
    assert (first.id, first.title, first.sections) == ("5", "Gout, old", [("Abstract", "It hurts, a lot.")])
    assert rejects.reasons == {"no text": 1, "broken row": 1}
    (caption,), _ = read("captions", written(tmp_path, "c.tsv", CAPTIONS))
    assert (caption.title, caption.sections) == ("X-ray of a toe", [("Radiology figure", "X-ray of a toe.")])
    lines = '{"_id": "d1", "title": "Gout", "text": "It hurts."}\n{"id": "d2", "content": "No title here."}\n'
    (beir, medrag), _ = read("jsonl", written(tmp_path, "corpus.jsonl", lines))
    assert (beir.id, beir.title, beir.sections) == ("d1", "Gout", [("", "It hurts.")])
    assert (medrag.title, medrag.licence) == ("No title here", "unknown")


def test_passages_written_as_parquet_are_read_back_as_documents(tmp_path):
    from medgym_core.knowledge.passages import build_passages, write_passages

    before = list(read_medquad(packed(tmp_path / "m.tar.xz", {"1.xml": MEDQUAD, "2.xml": MEDQUAD_OLD})))
    write_passages(build_passages(before), tmp_path / "p.parquet")
    after, rejects = read("parquet", tmp_path / "p.parquet")
    assert {(d.title, tuple(d.sections), d.licence, d.source) for d in after} == {
        (d.title, tuple(d.sections), d.licence, d.source) for d in before
    }
    assert not rejects.count


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.xml", PUBMED, "pubmed"), ("a.nxml", JATS, "jats"), ("a.xml", MEDQUAD, "medquad"), ("a.xml", SPL, "spl"),
        ("a.xml", LABEL, "drug_labels"), ("a.xml", MPLUS, "medlineplus_xml"), ("a.jsonl", TOPICS, "medlineplus_jsonl"),
        ("a.xml", TRIAL_XML, "trials"), ("a.json", {"studies": [STUDY]}, "trials"), ("a.cnxml", CNXML, "cnxml"),
        ("a.md", MARKDOWN, "markdown"), ("a.obo", OBO, "ontologies"), ("a.json", GRAPH, "ontologies"),
        ("a.json", BIOASQ, "bioasq"), ("a.json", COVID, "squad"), ("a.html", HTML, "html"), ("a.txt", GUIDE, "text"),
        ("a.txt", REPORT, "trial_reports"), ("a.csv", ABSTRACTS, "abstracts"), ("a.tsv", CAPTIONS, "captions"),
        ("a.jsonl", '{"_id": "1", "text": "x"}', "jsonl"),
    ],
)  # fmt: skip
def test_format_is_told_from_content(tmp_path, name, content, format):
    assert detect(written(tmp_path, name, content)) == format
    assert format in READERS


def test_unknown_format_names_the_known_ones(tmp_path):
    file = written(tmp_path, "a.bin", "x")
    with pytest.raises(MedGymError, match="expected one of .*pubmed"):
        list(read_source(file, Rejects()))
    with pytest.raises(MedGymError, match="did you mean 'pubmed'"):
        read_source(file, Rejects(), format="pubmd")
    with pytest.raises(MedGymError, match="no such corpus"):
        list(read_source(tmp_path / "absent", Rejects(), format="pubmed"))


@pytest.mark.parametrize(
    ("stated", "name", "free"),
    [
        ("http://creativecommons.org/licenses/by/4.0/", "CC BY 4.0", True),
        ("https://creativecommons.org/licenses/by-nc-nd/3.0", "CC BY-NC-ND 3.0", False),
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC BY-SA 4.0", False),
        ("licenses/by/3", "CC BY 3.0", True),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0", True),
        ("publicdomain/mark/1.0", "public domain", True),
        ("cc-by", "CC BY", True),
        ("text:CC-BY", "CC BY", True),
        ("cc-by-nc", "CC BY-NC", False),
        ("under a Creative Commons Attribution 4.0 International License, which", "CC BY 4.0", True),
        ("the Creative Commons Attribution-NonCommercial-NoDerivs License", "CC BY-NC-ND", False),
        ("Creative Commons Attribution Non Commercial License 4.0", "CC BY-NC 4.0", False),
        ("CC-BY Attribution 4.0 International", "CC BY", True),
        ("All rights reserved.", "", False),
    ],
)
def test_stated_licence_is_read_and_judged(stated, name, free):
    assert licence_name(stated) == name
    assert permissive(name) == free


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("MIT", True), ("Apache-2.0", True), ("BSD-3-Clause", True), ("US public domain (NLM)", True), ("CC0", True),
        ("", False), ("unknown", False), ("HPO own licence (cite, do not alter)", False), ("GPL-3.0", False),
        ("custom open licence (OHSU), MEDLINE abstracts", False), ("academic use", False), ("ODbL 1.0", False),
        ("repo: unknown; CC BY 4.0", False), ("not in the public domain", False), ("permitted", False),
    ],
)  # fmt: skip
def test_only_licences_without_conditions_are_permissive(licence, free):
    assert permissive(licence) == free


def test_what_is_left_out_is_counted_by_licence(tmp_path):
    files = {f"e/PMC{i}.txt": REPORT for i in (5, 6, 7)}
    path = packed(tmp_path / "e.tar.xz", {"e/ARTICLE_LICENCES.tsv": REPORT_LICENCES, **files})
    left_out = Counter()
    assert [d.id for d in read_corpus("pmc_trials", path, left_out=left_out)] == ["PMC5"]
    assert left_out == {"CC BY-NC 4.0": 1, "unknown": 1}
    assert len(list(read_corpus("pmc_trials", path, any_licence=True))) == 3
    with pytest.raises(MedGymError, match="unknown corpus source"):
        read_corpus("pmc", path)


REAL = {
    "medquad": (8, {"CC BY 4.0"}),
    "medlineplus": (8, {"US public domain (NLM)"}),
    "drug_labels": (8, {"US public domain (NLM)"}),
    "pmc_trials": (8, {"CC BY 2.0", "CC BY 4.0", "CC BY 2.5"}),
    "pmc_articles": (8, {"CC BY 4.0", "CC BY"}),
    "openstax": (8, {"CC BY 4.0"}),
    "openstax_biology": (8, {"CC BY 3.0"}),
    "ctgov": (8, {"US public domain (ClinicalTrials.gov)"}),
    "bioasq": (8, {"CC BY 2.5"}),
    "covid_qa": (98, {"CC BY", "Apache-2.0"}),
    "nstg": (8, {"CC BY 4.0"}),
    "roco": (8, {"CC BY", "CC0"}),
    "systematic_reviews": (8, {"CC BY 4.0"}),
    "ontologies": (8, {"CC0 1.0"}),
}


@pytest.mark.parametrize("name", SOURCES)
def test_real_archive_gives_documents_with_every_field(real_data, name):
    wanted, licences = REAL[name]
    path = SOURCES[name].find(real_data / "corpus")
    found = list(islice(read_corpus(name, path), wanted))
    assert len(found) == wanted and {d.licence for d in found} <= licences
    for d in found:
        assert d.source == name and d.title and d.url.startswith("http") and d.sections
        assert all(text.strip() and "\0" not in text for _, text in d.sections)
    if name != "medlineplus":
        assert all(d.id for d in found)
    assert detect(path) == SOURCES[name].format


def test_real_medquad_is_read_whole_and_its_faults_are_listed(real_data):
    rejects = Rejects()
    found = list(
        permissive_only(SOURCES["medquad"].reader(real_data / "corpus" / "medquad.tar.xz", rejects), Counter())
    )
    assert (len(found), sum(len(d.sections) for d in found)) == (5490, 16423)
    assert rejects.reasons == {"no text": 7}
