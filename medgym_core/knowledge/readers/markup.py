"""XML and HTML for readers: safe, streamed by record, and turned into text with its paragraphs.

Entity declarations and internal document type subsets are refused (entity bombs, external files). A plain document type
line, as PubMed and PMC files have, is accepted and what it names is never fetched.
"""

from collections.abc import Collection, Iterator
from html.entities import html5
from html.parser import HTMLParser
from io import BufferedReader
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from medgym_core.errors import MedGymError
from medgym_core.knowledge.readers.streams import BLOCK

MAX_RECORD = 32 << 20  # bytes of XML of one record; the longest articles of PMC are near 10 MB
DEEPEST = 300  # levels of elements; real documents stay below 40

# Elements that end a line: what stands in two of them is not one sentence.
BLOCKS = frozenset(
    "p para paragraph li item list list-item tr row title h1 h2 h3 h4 h5 h6 div br newline section sec table caption "
    "definition def-item disp-formula disp-quote equation note dt dd blockquote article ul ol tbody thead".split()
)
CELLS = frozenset("td th entry".split())
HTML_SKIPPED = frozenset("script style nav header footer aside form noscript svg template button select iframe".split())
HTML_HEADINGS = {f"h{level}": level for level in range(1, 7)}


class _Parser:
    """An expat parser that builds elements; those named in `wanted` are handed over when they end, then forgotten."""

    def __init__(self, where: str, wanted: Collection[str] = ()):
        self.where, self.wanted, self.done = where, frozenset(wanted), []
        self.builder = None if wanted else TreeBuilder()
        self.depth = self.inside = self.began = self.event = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler, self.parser.EntityDeclHandler = self._doctype, self._entity
        self.parser.SkippedEntityHandler = self._skipped

    def feed(self, block: bytes, last: bool = False) -> None:
        try:
            self.parser.Parse(block, last)
        except expat.ExpatError as error:
            got = f"{expat.errors.messages[error.code]} at byte {self.parser.ErrorByteIndex}"
            where = f"{self.where}, line {error.lineno}"
            raise MedGymError("malformed XML", got=got, expected="well-formed XML", where=where) from error
        except MedGymError:
            raise
        except (LookupError, ValueError) as error:  # the encoding the file claims is not known
            raise MedGymError("malformed XML", got=error, expected="a known encoding", where=self.where) from error

    def bound(self, size: int) -> None:
        """Refuse a record, or a single token, of more than MAX_RECORD bytes; `size`: bytes fed so far."""
        since = self.event if self.builder is None else self.began
        if size - since > MAX_RECORD:
            self._refuse(f"more than {MAX_RECORD} bytes in one record")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.event = self.parser.CurrentByteIndex
        tag = tag.rpartition(":")[2]
        self.depth += 1
        if self.depth > DEEPEST:
            self._refuse(f"elements nested more than {DEEPEST} deep")
        if self.builder is None and tag in self.wanted:
            self.builder, self.inside, self.began = TreeBuilder(), self.depth, self.parser.CurrentByteIndex
        if self.builder is not None:
            self.builder.start(tag, {name.rpartition(":")[2]: value for name, value in attributes.items()})

    def _end(self, tag: str) -> None:
        self.event = self.parser.CurrentByteIndex
        if self.builder is not None:
            self.builder.end(tag.rpartition(":")[2])
            if self.wanted and self.depth == self.inside:
                self.done.append(self.builder.close())
                self.builder = None
        self.depth -= 1

    def _data(self, text: str) -> None:
        if self.builder is not None:
            self.builder.data(text)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        if internal:
            self._refuse("a document type with declarations")

    def _entity(self, *_: object) -> None:
        self._refuse("an entity declaration")

    def _skipped(self, name: str, is_parameter: bool) -> None:
        self._data("" if is_parameter else html5.get(name + ";", " "))  # &nbsp; of an unread document type

    def _refuse(self, got: str) -> None:
        where = f"{self.where}, line {self.parser.CurrentLineNumber}"
        raise MedGymError("refused XML", got=got, expected="plain elements", where=where)


def parse_xml(content: bytes, where: str) -> Element:
    """The root element, names without their prefixes. Raises MedGymError for malformed or refused XML."""
    parser = _Parser(where)
    parser.feed(content, True)
    return parser.builder.close()


def xml_records(stream: BufferedReader, tags: Collection[str], where: str) -> Iterator[Element]:
    """Every element named in `tags`, one in memory at a time. Raises MedGymError where the rest cannot be read."""
    parser, size = _Parser(where, tags), 0
    while block := stream.read1(BLOCK):  # read1: what came before a damaged place is not lost
        size += len(block)
        fault = None
        try:
            parser.feed(block)
            parser.bound(size)
        except MedGymError as error:
            fault = error
        done, parser.done = parser.done, []
        yield from done  # what was whole before a fault counts
        if fault:
            raise fault
    if not size:
        raise MedGymError("empty file", got="0 bytes", expected="content", where=where)
    parser.feed(b"", True)


def root_of(start: bytes) -> tuple[str, dict[str, str]] | None:
    """(name with its prefix, attributes) of the first element in the first bytes of a file; None: there is none."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: found.append((tag, attributes))
    try:
        parser.Parse(start, False)
    except (expat.ExpatError, LookupError, ValueError):
        return found[0] if found else None
    return found[0] if found else None


def flat(element: Element | None, skipped: Collection[str] = ()) -> str:
    """The text of an element in one line, "" for None."""
    return " ".join(blocks(element, skipped).split())


def blocks(element: Element | None, skipped: Collection[str] = ()) -> str:
    """The text of an element; paragraphs, items and table rows on lines of their own, cells divided by ` | `."""
    if element is None:
        return ""
    out: list[str] = []
    _blocks(element, skipped, out)
    lines = (" ".join(line.split()).strip(" |") for line in "".join(out).split("\0"))
    return "\n".join(line for line in lines if line)


def _blocks(element: Element, skipped: Collection[str], out: list[str]) -> None:
    if element.tag in skipped:
        return
    is_block = element.tag in BLOCKS
    if is_block:
        out.append("\0")
    out.append(element.text or "")
    for child in element:
        _blocks(child, skipped, out)
        out.append(child.tail or "")
    if is_block:
        out.append("\0")
    elif element.tag in CELLS:
        out.append(" | ")


class _Page(HTMLParser):
    """Collects (heading path, text) of a page, its title and its meta data."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.meta, self.sections = "", {}, []
        self._path: list[tuple[int, str]] = []
        self._text: list[str] = []
        self._heading: list[str] | None = None
        self._in_title, self._hidden = False, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in HTML_SKIPPED:
            self._hidden += 1
        elif tag == "title":
            self._in_title = True
        elif tag in HTML_HEADINGS and not self._hidden:
            self.close_section()
            self._heading = []
        elif tag in ("meta", "link", "a"):
            self._note(tag, {name: value or "" for name, value in attrs})
        if tag in BLOCKS:
            self._text.append("\0")

    def handle_endtag(self, tag: str) -> None:
        if tag in HTML_SKIPPED:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "title":
            self._in_title = False
        elif tag in HTML_HEADINGS and self._heading is not None:
            level, heading = HTML_HEADINGS[tag], " ".join("".join(self._heading).split())
            self._path = [(other, name) for other, name in self._path if other < level]
            self._path += [(level, heading)] if heading else []
            self._heading = None
        elif tag in CELLS:
            self._text.append(" | ")
        if tag in BLOCKS:
            self._text.append("\0")

    def handle_data(self, data: str) -> None:
        if self._in_title and not self.sections:
            self.title += data
        elif self._hidden:
            return
        elif self._heading is not None:
            self._heading.append(data)
        else:
            self._text.append(data)

    def _note(self, tag: str, attributes: dict[str, str]) -> None:
        """Licence, address and date, where the page states them."""
        relation = attributes.get("rel", "").lower()
        if tag == "meta":
            name = (attributes.get("name") or attributes.get("property") or "").lower()
            self.meta.setdefault(name, attributes.get("content", ""))
        elif relation in ("license", "canonical"):
            self.meta.setdefault(relation, attributes.get("href", ""))

    def close_section(self) -> None:
        lines = (" ".join(line.split()).strip(" |") for line in "".join(self._text).split("\0"))
        text = "\n".join(line for line in lines if line)
        if text:
            self.sections.append((" > ".join(name for _, name in self._path), text))
        self._text = []


def parse_html(text: str, where: str) -> tuple[str, list[tuple[str, str]], dict[str, str]]:
    """(title, [(heading path, text)], meta data) of a page; scripts, styles, navigation, forms and footers are dropped.

    A page without <title> is called by its first heading. Raises MedGymError where the markup cannot be read.
    """
    page = _Page()
    try:
        page.feed(text)
        page.close()
    except AssertionError as error:  # html.parser's answer to declarations it does not know
        raise MedGymError("malformed HTML", got=error, expected="HTML", where=where) from error
    page.close_section()
    title = " ".join(page.title.split()) or page.sections[0][0].split(" > ")[0] if page.sections else ""
    return title, [(_below(heading, title), body) for heading, body in page.sections], page.meta


def _below(heading: str, title: str) -> str:
    """A heading path without a first part that only repeats the title."""
    first, _, rest = heading.partition(" > ")
    return rest if first == title else heading
