"""FHIR R4: `to_bundle(chart)` writes a collection bundle, `from_bundle(bundle)` reads one; one and the other are equal.

bundle = to_bundle(chart)
assert from_bundle(bundle) == chart     # but for results that do not exist yet (pending)
"""

from medgym_core.clinical.fhir_export import EPOCH, to_bundle
from medgym_core.clinical.fhir_import import from_bundle

__all__ = ["EPOCH", "from_bundle", "to_bundle"]
