"""Downloads of corpora from their publishers: resumed where they were cut, checked, and never half there.

    fetch("pubmed", Path("corpora"), limit=3)   # three baseline files, with the publisher's MD5

A file is written as `NAME.part` and renamed when it is whole. A checksum the publisher gives is verified; the SHA-256
of every file is recorded beside it as `NAME.sha256`, and a file there with its recorded sum is not fetched again. One
with a wrong sum is kept aside as `NAME.bad`. Only https is used, except for a server on this machine.

| name | publisher | what | checksum |
|---|---|---|---|
| pubmed | https://ftp.ncbi.nlm.nih.gov/pubmed/baseline/ | abstracts, XML | the publisher's MD5 |
| pmc | https://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_bulk/oa_comm/xml/ | full texts for any use, JATS XML | recorded |
| medlineplus | https://medlineplus.gov/xml.html | health topics, XML | recorded |
| dailymed | https://dailymed.nlm.nih.gov/dailymed/spl-resources-all-drug-labels.cfm | labels, SPL | recorded |
| ctgov | https://clinicaltrials.gov/api/v2/studies | trials, JSON pages of 1,000 | recorded |
| openstax | https://github.com/openstax | four textbook repositories at CC BY commits, CNXML | recorded |
"""

import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from medgym_core.errors import MedGymError, unknown_name

TRIES = 5  # connections to one file that may be cut before giving up; each goes on where the last ended
TIMEOUT = 60  # seconds without a byte
BLOCK = 1 << 20
MAX_PAGE = 64 << 20  # bytes of a listing or of 1,000 trials (about 15 MB)
PAGE = 1_000  # studies, the most the API gives at once
TRIALS_API = "https://clinicaltrials.gov/api/v2/studies"
PAGE_NAME = "studies-{:06d}.json"

# The last commits under CC BY 4.0: three of the four later moved to CC BY-NC-SA.
OPENSTAX = {
    "osbooks-anatomy-physiology": "b0058a743bdd",
    "osbooks-microbiology": "ecf34dad129d",
    "osbooks-psychology": "e061043bf2f9",
    "osbooks-nursing-external-bundle": "7876f90a3dbd",
}


class Listing(NamedTuple):
    """A publisher's page whose links are the files."""

    page: str
    names: str
    """Pattern of a file's name; what links elsewhere is ignored."""
    md5: bool = False
    """Whether NAME.md5 lies beside each file."""
    newest: bool = False
    """Only the last by name: each file is a whole edition."""


LISTINGS = {
    "pubmed": Listing("https://ftp.ncbi.nlm.nih.gov/pubmed/baseline/", r"pubmed\d{2}n\d{4}\.xml\.gz", md5=True),
    "pmc": Listing("https://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_bulk/oa_comm/xml/", r"oa_comm_xml\.[\w.-]+\.tar\.gz"),
    "medlineplus": Listing("https://medlineplus.gov/xml.html", r"mplus_topics_\d{4}-\d\d-\d\d\.xml", newest=True),
    "dailymed": Listing(
        "https://dailymed.nlm.nih.gov/dailymed/spl-resources-all-drug-labels.cfm",
        r"dm_spl_release_human_rx_part\d+\.zip",
    ),
}


def fetch(name: str, out: Path, limit: int | None = None, base: str = "") -> list[Path]:
    """Download corpus `name` into `out/name`; the files, in order. `limit`: at most so many files.

    `base`: another address than the publisher's, such as a mirror. Raises MedGymError for an unknown name, a server
    that does not answer, or a wrong checksum; what was downloaded stays, and the next call goes on from there.
    """
    if name not in FETCHERS:
        raise unknown_name("download", name, FETCHERS)
    folder = Path(out) / name
    folder.mkdir(parents=True, exist_ok=True)
    return FETCHERS[name](name, folder, limit, base)


def _listed(name: str, folder: Path, limit: int | None, base: str) -> list[Path]:
    listing = LISTINGS[name]
    page = base or listing.page
    links = re.findall(r"""href\s*=\s*["']?([^"'\s>]+)""", _page(page).decode("utf-8", "replace"), re.IGNORECASE)
    found = {link.rpartition("/")[2]: urllib.parse.urljoin(page, link) for link in links}
    names = sorted(file for file in found if re.fullmatch(listing.names, file))
    if not names:
        raise MedGymError("nothing to download", got="no such link", expected=listing.names, where=page)
    names = names[-1:] if listing.newest else names[:limit]
    return [download(found[file], folder / file, _md5(found[file]) if listing.md5 else "") for file in names]


def _md5(address: str) -> str:
    """The publisher's sum, from a line such as `MD5(file)= 0f1e...`."""
    told = _page(address + ".md5").decode("utf-8", "replace")
    found = re.search(r"\b[0-9a-f]{32}\b", told.lower())
    if not found:
        raise MedGymError("no checksum", got=repr(told[:80]), expected="32 hexadecimal digits", where=address + ".md5")
    return found[0]


def _trials(name: str, folder: Path, limit: int | None, base: str) -> list[Path]:
    """Pages follow one another by a token in each; the last whole page tells where to go on."""
    files: list[Path] = []
    token = ""
    while limit is None or len(files) < limit:
        file = folder / PAGE_NAME.format(len(files) + 1)
        if not _whole(file):
            query = {"format": "json", "pageSize": str(PAGE)} | ({"pageToken": token} if token else {})
            content = _page(f"{base or TRIALS_API}?{urllib.parse.urlencode(query)}")
            _next_token(content, file)
            part = _beside(file, ".part")
            part.write_bytes(content)
            _finish(part, file, hashlib.sha256(content).hexdigest())
        files.append(file)
        token = _next_token(file.read_bytes(), file)
        if not token:
            break
    return files


def _next_token(content: bytes, file: Path) -> str:
    """Raises MedGymError where the page is not one of studies."""
    try:
        page = json.loads(content)
    except ValueError as error:
        raise MedGymError("not a page of trials", got=error, expected="JSON", where=file) from error
    if not isinstance(page, dict) or not isinstance(page.get("studies"), list):
        raise MedGymError("not a page of trials", got=type(page).__name__, expected="studies", where=file)
    return str(page.get("nextPageToken") or "")


def _openstax(name: str, folder: Path, limit: int | None, base: str) -> list[Path]:
    root = base or "https://codeload.github.com/openstax"
    books = sorted(OPENSTAX.items())[:limit]
    return [download(f"{root}/{book}/tar.gz/{commit}", folder / f"{book}.tar.gz") for book, commit in books]


FETCHERS: dict[str, Callable[[str, Path, int | None, str], list[Path]]] = {
    **{name: _listed for name in LISTINGS},
    "ctgov": _trials,
    "openstax": _openstax,
}


def download(address: str, file: Path, md5: str = "") -> Path:
    """`file` with the content of `address`; goes on with a part that is there.

    Raises MedGymError where the server fails or the connection is cut TRIES times (the part stays), or where the sum
    differs from `md5` (the file is kept as NAME.bad).
    """
    if _whole(file):
        return file
    part, fault = _beside(file, ".part"), ""
    for _ in range(TRIES):
        try:
            if _more(address, part):
                break
            fault = "a cut connection"
        except urllib.error.HTTPError as error:
            raise MedGymError("download refused", got=f"status {error.code}", expected="200", where=address) from error
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            fault = " ".join(str(error).split()) or type(error).__name__
    else:
        size = part.stat().st_size if part.exists() else 0
        raise MedGymError("download cut", got=f"{fault}, {size} bytes so far", expected="the whole file", where=address)
    sums = _sums(part)
    if md5 and sums["md5"] != md5:
        os.replace(part, _beside(file, ".bad"))
        where = f"{address}, kept as {file.name}.bad"
        raise MedGymError("wrong checksum", got=sums["md5"], expected=md5, where=where)
    return _finish(part, file, sums["sha256"])


def _more(address: str, part: Path) -> bool:
    """Append what is missing of `part`; whether it is whole now."""
    have = part.stat().st_size if part.exists() else 0
    try:
        response = _open(address, {"Range": f"bytes={have}-"} if have else {})
    except urllib.error.HTTPError as error:
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        total = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
        if total and int(total[1]) == have:
            return True
        part.unlink()  # longer than the file is: it was another one
        return False
    with response:
        start = re.match(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range") or "")
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT and start and int(start[1]) == have
        size = int(start[2]) if resumed else int(response.headers.get("Content-Length") or -1)
        with open(part, "ab" if resumed else "wb") as out:
            while block := response.read(BLOCK):
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
    return size < 0 or part.stat().st_size == size


def _open(address: str, headers: dict[str, str]):
    scheme, host = urllib.parse.urlsplit(address)[:2]
    if scheme != "https" and not (scheme == "http" and host.split(":")[0] in ("127.0.0.1", "localhost")):
        raise MedGymError("address refused", got=address, expected="https")
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT)


def _page(address: str) -> bytes:
    """A small answer, whole."""
    try:
        with _open(address, {}) as response:
            content = response.read(MAX_PAGE + 1)
    except urllib.error.HTTPError as error:
        raise MedGymError("download refused", got=f"status {error.code}", expected="200", where=address) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise MedGymError("no answer", got=" ".join(str(error).split()), expected="a page", where=address) from error
    if len(content) > MAX_PAGE:
        raise MedGymError("page too large", got=f"over {MAX_PAGE} bytes", expected="less", where=address)
    return content


def _sums(file: Path) -> dict[str, str]:
    sums = {"md5": hashlib.md5(usedforsecurity=False), "sha256": hashlib.sha256()}
    with open(file, "rb") as stream:
        while block := stream.read(BLOCK):
            for value in sums.values():
                value.update(block)
    return {name: value.hexdigest() for name, value in sums.items()}


def _finish(part: Path, file: Path, sha256: str) -> Path:
    """Record the sum, then give the file its name: a file without a recorded sum is fetched again."""
    note = _beside(file, ".sha256")
    beside = _beside(file, f".sha256.{os.getpid()}")
    beside.write_text(f"{sha256}  {file.name}\n", encoding="utf-8")
    os.replace(beside, note)
    os.replace(part, file)
    return file


def _whole(file: Path) -> bool:
    """Whether the file is there with its recorded sum."""
    note = _beside(file, ".sha256")
    return file.is_file() and note.is_file() and note.read_text(encoding="utf-8").split()[:1] == [_sums(file)["sha256"]]


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)
