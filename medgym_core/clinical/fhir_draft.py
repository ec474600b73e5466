"""What has been read of a FHIR bundle so far, and the marks of what this project wrote itself."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from medgym_core.clinical import fhir_records as records
from medgym_core.clinical.elements import Element
from medgym_core.clinical.fhir_records import OWN
from medgym_core.types import Medication, Picture, Reading, Record


@dataclass
class Draft:
    """What has been read so far; becomes a chart only when everything has been read."""

    arrived: datetime
    encounters: dict[str, datetime]
    by_address: dict[str, Element]
    fields: dict[str, Any] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)
    medications: list[Medication] = field(default_factory=list)
    allergies: list[str] | None = None
    vitals: list[Reading] = field(default_factory=list)
    labs: list[Reading] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    observations: dict[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    images: list[Picture] = field(default_factory=list)
    latest: dict[str, datetime] = field(default_factory=dict)


def tagged(resource: Element, part: str) -> bool:
    """Whether the resource was written as that part of a chart: `arrival` or `note`."""
    meta = resource.get("meta", dict)
    return bool(meta) and any(t.value == {"system": OWN + "part", "code": part} for t in meta.items("tag"))


def own(resource: Element) -> bool:
    """Whether the resource was written from a record, so that it is nothing else."""
    meta = resource.get("meta", dict)
    return bool(meta) and any(t.text("system") == OWN + "kind" for t in meta.items("tag"))


def add_record(resource: Element, draft: Draft) -> Record | None:
    """Read a dated entry into the draft; None for what was entered in error."""
    record = records.record_of(resource, draft.arrived, draft.encounters)
    if record:
        draft.records.append(record)
    return record
