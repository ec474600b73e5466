"""Reading a JSON document element by element, each knowing where it stands.

    Element(bundle, "Bundle").items("entry")[3].need("resource", dict).text("status")

Whatever is missing or of the wrong type raises a MedGymError naming the path of the bad element, what stands there and
what was expected, such as `Bundle.entry[3].resource.valueQuantity.value`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from medgym_core.errors import MedGymError

KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", float: "a number"}


@dataclass(frozen=True)
class Element:
    """A JSON value and its path."""

    value: Any
    path: str

    def error(self, what: str, expected: str) -> MedGymError:
        """The error about this element."""
        shown = repr(self.value)
        return MedGymError(
            what, got=shown if len(shown) <= 60 else shown[:57] + "...", expected=expected, where=self.path
        )

    def get(self, key: str, kind: type) -> "Element | None":
        """The member of that name, checked to be of that kind (float: any finite number); None where it is absent."""
        path = f"{self.path}.{key}"
        if key not in self.value:
            return None
        value = self.value[key]
        numeric = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        if not (numeric if kind is float else isinstance(value, kind)):
            raise Element(value, path).error("wrong type of element", KINDS[kind])
        if kind is str and not value:
            raise Element(value, path).error("empty text", "text, or no such element")
        return Element(value, path)

    def need(self, key: str, kind: type) -> "Element":
        """The same, and it must be there."""
        found = self.get(key, kind)
        if found is None:
            raise MedGymError("element is missing", got="nothing", expected=KINDS[kind], where=f"{self.path}.{key}")
        return found

    def items(self, key: str) -> list["Element"]:
        """The objects of a list; empty where the list is absent."""
        found = self.get(key, list)
        if found is None:
            return []
        members = [Element(v, f"{found.path}[{i}]") for i, v in enumerate(found.value)]
        for member in members:
            if not isinstance(member.value, dict):
                raise member.error("wrong type of element", KINDS[dict])
        return members

    def text(self, key: str, default: str = "") -> str:
        """Text of a member, or the default where it is absent."""
        found = self.get(key, str)
        return found.value if found else default

    def code(self, key: str, allowed: Collection[str]) -> str:
        """A required code out of its value set."""
        found = self.need(key, str)
        if found.value not in allowed:
            raise found.error("code outside its value set", "one of " + ", ".join(sorted(allowed)))
        return found.value

    def moment(self, key: str) -> datetime | None:
        """A FHIR date or dateTime (year, month, day, or to the second with a zone) in UTC; None where it is absent."""
        found = self.get(key, str)
        if found is None:
            return None
        try:
            moment = datetime.fromisoformat(_whole(found.value))
            if "T" not in found.value:
                return moment.replace(tzinfo=UTC)
            if moment.tzinfo is not None:
                return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise found.error("not a FHIR date", "YYYY, YYYY-MM, YYYY-MM-DD or a dateTime with a zone") from error
        raise found.error("dateTime without a zone", "such as 2024-01-01T08:00:00+00:00")


def _whole(text: str) -> str:
    """A partial date completed with its first month or day."""
    return text + {4: "-01-01", 7: "-01"}.get(len(text), "")
