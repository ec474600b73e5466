"""FHIR bundles as record tasks: a bundle loads into solvable cases, a malformed one is refused whole."""

import json
import os
import tarfile
from functools import cache
from pathlib import Path
from random import Random

import msgspec
import pytest

from medgym_core.actions import render_call
from medgym_core.clinical.fhir import to_bundle
from medgym_core.domains import Draft
from medgym_core.domains.ehr_management.cases import TYPES
from medgym_core.domains.ehr_management.importing import case_from_bundle, chart_of
from medgym_core.episode import Episode
from medgym_core.errors import MedGymError
from medgym_core.explain import reasons
from medgym_core.types import Chart, Task

SAMPLE = Path(os.environ.get("MEDGYM_DATA", "")) / "structured" / "synthea_fhir_r4_sample.tar.xz"
needs_sample = pytest.mark.skipif(not SAMPLE.is_file(), reason="MEDGYM_DATA has no Synthea sample")


@cache
def sample() -> list[bytes]:
    with tarfile.open(SAMPLE) as archive:
        files = [m for m in archive.getmembers() if m.name.endswith(".json")]
        return [archive.extractfile(m).read() for m in files]


def task_of(draft: Draft) -> Task:
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    return Task(id=f"ehr_management/{draft.type}/0", domain="ehr_management", split="train", **fields)


def played(draft: Draft) -> Episode:
    episode = Episode(task_of(draft))
    for call in draft.reference:
        episode.step(render_call(call))
    return episode


def own_bundle(seed: int = 3) -> dict:
    return to_bundle(TYPES["lab_trend"](Random(seed), None).chart)


@needs_sample
def test_every_synthea_bundle_gives_solvable_tasks() -> None:
    kinds, number = set(), 0
    for bundle in sample():
        drafts = case_from_bundle(bundle, seed=1)
        assert len(drafts) >= 3
        for draft in drafts:
            episode = played(draft)
            reward = episode.score()
            assert reward.correct and reward.composite >= 0.95, (draft.prompt, reasons(reward))
            assert episode.tool_errors == 0
            kinds.add(draft.type)
            number += 1
    assert len(kinds) == 7 and number > 5 * len(sample())


@needs_sample
def test_import_is_deterministic_and_depends_on_the_seed() -> None:
    bundle = sample()[5]
    assert case_from_bundle(bundle, 1) == case_from_bundle(bundle, 1)
    assert [d.prompt for d in case_from_bundle(bundle, 1)] != [d.prompt for d in case_from_bundle(bundle, 2)]


@needs_sample
def test_imported_times_lie_before_the_episode() -> None:
    for bundle in sample()[:15]:
        chart = chart_of(bundle)
        assert max(r.minutes for r in (*chart.labs, *chart.vitals, *chart.records)) <= 0


@needs_sample
def test_allergies_that_a_bundle_lacks_stay_unknown() -> None:
    asked = [
        (chart_of(b), next(d for d in case_from_bundle(b) if d.type == "imported_allergies")) for b in sample()[:25]
    ]
    unknown = [d for chart, d in asked if chart.allergies is None]
    assert unknown and all(d.truth.gold.value == "insufficient: allergies" for d in unknown)


def test_a_record_of_this_domain_comes_back_through_fhir() -> None:
    drafts = case_from_bundle(own_bundle())
    assert {"imported_latest", "imported_visit", "imported_vital"} <= {d.type for d in drafts}
    assert all(played(d).score().composite >= 0.95 for d in drafts)


@pytest.mark.parametrize(
    ("damage", "path"),
    [
        (lambda b: b.update(resourceType="Patient"), "Bundle.resourceType"),
        (lambda b: b["entry"][0]["resource"].pop("birthDate"), "Bundle.entry[0].resource.birthDate"),
        (lambda b: _observation(b).update(valueQuantity={"value": "high"}), "valueQuantity.value"),
        (lambda b: b["entry"].append({"fullUrl": "x"}), "resource"),
    ],
)
def test_a_malformed_bundle_is_refused_with_the_path_of_the_bad_element(damage, path: str) -> None:
    bundle = json.loads(json.dumps(own_bundle()))
    damage(bundle)
    with pytest.raises(MedGymError) as refused:
        case_from_bundle(bundle)
    assert path in str(refused.value)


def _observation(bundle: dict) -> dict:
    return next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Observation")


def test_bytes_that_are_no_json_are_refused() -> None:
    with pytest.raises(MedGymError):
        case_from_bundle(b"{not json")


def test_a_chart_without_encounters_asks_about_none() -> None:
    chart = Chart("P1", 50, "female", allergies=[])
    bundle = msgspec.json.encode(to_bundle(chart))
    assert "imported_visit" not in {d.type for d in case_from_bundle(bundle)}
