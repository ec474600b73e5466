"""Downloads resume, are checked and never leave half a file; all against a server on this machine."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge import fetch as fetching
from medgym_core.knowledge.fetch import LISTINGS, download, fetch

CONTENT = bytes(range(256)) * 4_000


class Server(ThreadingHTTPServer):
    """Serves `files`; a file in `cut` breaks off after so many bytes, each time it is asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []
        self.ranges = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.path, wanted))
        content = self.server.files.get(self.path)
        if content is None:
            return self.send_error(404)
        start = int(re.findall(r"\d+", wanted)[0]) if wanted and self.server.ranges else 0
        if start >= len(content) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + self.server.cut.get(self.path, len(content))])

    def log_message(self, *_args) -> None:
        pass


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def test_cut_download_goes_on_where_it_ended(server, tmp_path):
    server.files["/a.gz"], server.cut["/a.gz"] = CONTENT, 400_000
    file = download(f"{server.address}/a.gz", tmp_path / "a.gz", hashlib.md5(CONTENT).hexdigest())
    assert file.read_bytes() == CONTENT
    assert [wanted for _, wanted in server.asked] == ["", "bytes=400000-", "bytes=800000-"]
    assert (tmp_path / "a.gz.sha256").read_text().split() == [hashlib.sha256(CONTENT).hexdigest(), "a.gz"]
    assert not (tmp_path / "a.gz.part").exists()


def test_download_cut_too_often_is_told_and_resumed_by_the_next_call(server, tmp_path):
    server.files["/a.gz"], server.cut["/a.gz"] = CONTENT, 10_000
    with pytest.raises(MedGymError, match="download cut; got a cut connection, 50000 bytes so far"):
        download(f"{server.address}/a.gz", tmp_path / "a.gz")
    assert not (tmp_path / "a.gz").exists()
    server.cut.clear()
    assert download(f"{server.address}/a.gz", tmp_path / "a.gz").read_bytes() == CONTENT
    assert server.asked[-1][1] == "bytes=50000-"


def test_server_without_ranges_is_read_from_the_start(server, tmp_path):
    server.files["/a.gz"], server.ranges = CONTENT, False
    (tmp_path / "a.gz.part").write_bytes(b"something else")
    assert download(f"{server.address}/a.gz", tmp_path / "a.gz").read_bytes() == CONTENT


def test_part_that_was_whole_or_too_long_is_settled(server, tmp_path):
    server.files["/a.gz"] = CONTENT
    (tmp_path / "a.gz.part").write_bytes(CONTENT)
    assert download(f"{server.address}/a.gz", tmp_path / "a.gz").read_bytes() == CONTENT
    (tmp_path / "b.gz.part").write_bytes(CONTENT + b"more")
    assert download(f"{server.address}/a.gz", tmp_path / "b.gz").read_bytes() == CONTENT


def test_wrong_checksum_is_refused_and_the_file_kept_aside(server, tmp_path):
    server.files["/a.gz"] = CONTENT
    with pytest.raises(MedGymError, match="wrong checksum; got .* expected 0{32}"):
        download(f"{server.address}/a.gz", tmp_path / "a.gz", "0" * 32)
    assert [p.name for p in tmp_path.iterdir()] == ["a.gz.bad"]
    assert (tmp_path / "a.gz.bad").read_bytes() == CONTENT


def test_whole_file_is_not_fetched_again_and_a_changed_one_is(server, tmp_path):
    server.files["/a.gz"] = CONTENT
    file = download(f"{server.address}/a.gz", tmp_path / "a.gz")
    download(f"{server.address}/a.gz", file)
    assert len(server.asked) == 1
    file.write_bytes(b"damaged")
    assert download(f"{server.address}/a.gz", file).read_bytes() == CONTENT


def test_pubmed_files_come_in_order_with_the_publishers_checksum(server, tmp_path):
    names = [f"pubmed25n000{i}.xml.gz" for i in (2, 1, 3)]
    server.files["/b/"] = (
        "".join(f'<a href="{n}">x</a><a href="{n}.md5">' for n in names).encode() + b'<a href="../../x">'
    )
    for name in names:
        server.files[f"/b/{name}"] = name.encode()
        server.files[f"/b/{name}.md5"] = f"MD5({name})= {hashlib.md5(name.encode()).hexdigest()}\n".encode()
    files = fetch("pubmed", tmp_path, limit=2, base=f"{server.address}/b/")
    assert [f.relative_to(tmp_path).as_posix() for f in files] == [f"pubmed/pubmed25n000{i}.xml.gz" for i in (1, 2)]
    assert files[0].read_bytes() == b"pubmed25n0001.xml.gz"
    server.files["/b/pubmed25n0003.xml.gz.md5"] = b"not found"
    with pytest.raises(MedGymError, match="no checksum"):
        fetch("pubmed", tmp_path, base=f"{server.address}/b/")


def test_only_the_newest_topics_are_fetched(server, tmp_path):
    links = "".join(f'<a href="/xml/mplus_topics_2025-0{i}-01.xml">' for i in (3, 1, 2))
    server.files |= {"/xml.html": links.encode(), "/xml/mplus_topics_2025-03-01.xml": b"<health-topics/>"}
    (file,) = fetch("medlineplus", tmp_path, base=f"{server.address}/xml.html")
    assert file.name == "mplus_topics_2025-03-01.xml"


def test_trial_pages_follow_their_tokens_and_resume(server, tmp_path, monkeypatch):
    first = json.dumps({"studies": [{}], "nextPageToken": "t2"}).encode()
    last = json.dumps({"studies": [{}, {}]}).encode()
    server.files["/api?format=json&pageSize=1000"] = first
    server.files["/api?format=json&pageSize=1000&pageToken=t2"] = last
    base = f"{server.address}/api"
    assert [f.name for f in fetch("ctgov", tmp_path, limit=1, base=base)] == ["studies-000001.json"]
    files = fetch("ctgov", tmp_path, base=base)
    assert [f.read_bytes() for f in files] == [first, last] and len(server.asked) == 2
    server.files["/bad?format=json&pageSize=1000"] = b"<html>busy</html>"
    with pytest.raises(MedGymError, match="not a page of trials"):
        fetch("ctgov", tmp_path / "other", base=f"{server.address}/bad")
    assert not list((tmp_path / "other" / "ctgov").iterdir())


def test_textbooks_are_fetched_at_their_free_commits(server, tmp_path):
    book, commit = sorted(fetching.OPENSTAX.items())[0]
    server.files[f"/o/{book}/tar.gz/{commit}"] = b"tar"
    (file,) = fetch("openstax", tmp_path, limit=1, base=f"{server.address}/o")
    assert file.name == f"{book}.tar.gz"


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://example.org/a", "ftp://127.0.0.1/a"])
def test_only_https_is_trusted(tmp_path, address):
    with pytest.raises(MedGymError, match="address refused"):
        download(address, tmp_path / "a")


def test_unknown_download_and_missing_page_are_told(server, tmp_path):
    with pytest.raises(MedGymError, match="did you mean 'pubmed'"):
        fetch("pubmd", tmp_path)
    with pytest.raises(MedGymError, match="status 404"):
        fetch("pmc", tmp_path, base=f"{server.address}/none/")
    server.files["/empty/"] = b"<html></html>"
    with pytest.raises(MedGymError, match="nothing to download"):
        fetch("dailymed", tmp_path, base=f"{server.address}/empty/")


def test_every_listing_is_at_its_publisher():
    assert all(listing.page.startswith("https://") for listing in LISTINGS.values())
