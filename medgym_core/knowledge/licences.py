"""Licences: one name for each, read off the many ways in which files state them, and which of them are permissive.

Permissive: use, change and pass on for any purpose, with at most a credit. Share-alike, non-commercial, no-derivatives,
"own licence", academic use and unknown are not, whatever else is said beside them.
"""

import re

UNKNOWN = "unknown"
US_PUBLIC_DOMAIN = "US public domain"

_URL = re.compile(
    r"(?:creativecommons\.org/|^)licen[sc]es/(?P<kind>by(?:-[a-z]{2})*)(?:/(?P<version>\d(?:\.\d)?))?"
    r"|(?:creativecommons\.org/|^)publicdomain/(?P<tool>zero|mark)(?:/(?P<tool_version>\d\.\d))?",
    re.IGNORECASE,
)
_SHORT = re.compile(
    r"\bcc[ _-]?(?P<kind>by(?:[ _-](?:nc|nd|sa))*)\b(?:[ _-]?v?(?P<version>\d\.\d))?"
    r"|\b(?P<zero>cc[ _-]?(?:0|zero))\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"attribution(?P<rest>(?:[\s,-]*(?:and|non-?\s?commercial|no-?\s?deriv\w*|share\s?-?alike))*)"
    r"(?:[\s(a-z-]*?(?P<version>\d\.\d))?",
    re.IGNORECASE,
)
_PARTS = {"non": "NC", "nod": "ND", "no-d": "ND", "no d": "ND", "share": "SA"}

_FREE = re.compile(
    r"\b(cc[ -]?0|cc zero|public domain|cc[ -]by|mit|apache|bsd|isc|unlicense|pddl|odc[ -]by|zlib|ogl)\b", re.IGNORECASE
)
_BOUND = re.compile(
    r"\b(nc|nd|sa|non-?\s?commercial|no-?\s?deriv\w*|share-?\s?alike|unknown|own|custom|academic|research|terms|"
    r"proprietary|all rights reserved|gpl\w*|agpl\w*|lgpl\w*|odbl|copyright\w*|permission|no licen[sc]e|not?)\b",
    re.IGNORECASE,
)


def permissive(licence: str) -> bool:
    """Whether text under this licence may be used, changed and passed on for any purpose.

    >>> permissive("CC BY 4.0"), permissive("CC BY-NC 4.0"), permissive("")
    (True, False, False)
    """
    return bool(_FREE.search(licence)) and not _BOUND.search(licence)


def licence_name(stated: str) -> str:
    """The short name of the Creative Commons licence that `stated` (address or text) names first; "" for none.

    >>> licence_name("https://creativecommons.org/licenses/by-nc/4.0/")
    'CC BY-NC 4.0'
    """
    if found := _URL.search(stated):
        if tool := found["tool"]:
            return "public domain" if tool.lower() == "mark" else _joined("CC0", found["tool_version"])
        return _joined("CC " + _dashed(found["kind"]), found["version"])
    if found := _SHORT.search(stated):
        return "CC0" if found["zero"] else _joined("CC " + _dashed(found["kind"]), found["version"])
    if "creative commons" in stated.lower() and (found := _NAME.search(stated)):
        rest = " ".join(found["rest"].lower().split())
        parts = [name for start, name in _PARTS.items() if re.search(rf"\b{start}", rest)]
        return _joined("-".join(["CC BY", *dict.fromkeys(parts)]), found["version"])
    if re.search(r"\bpublic domain\b", stated, re.IGNORECASE):
        return "public domain"
    return ""


def _dashed(kind: str) -> str:
    """`by nc_nd` as `BY-NC-ND`."""
    return re.sub(r"[ _]", "-", kind).upper()


def _joined(name: str, version: str | None) -> str:
    if not version:
        return name
    return f"{name} {version if '.' in version else version + '.0'}"
