"""Which line of a chat template wrote what: the answer to "why is this template refused".

The template is rendered piece by piece in a sandbox of the same kind that transformers uses, and each piece is
remembered with the line that wrote it.
"""

import json
from typing import Any

Written = list[tuple[int, str]]
SHOWN = 100  # characters of a line in a message


def written(template: str, **values: Any) -> Written:
    """(line from 1, text) of every piece of the rendering, in order. Jinja errors pass through."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    @jinja2.pass_context  # a constant that depends on the context is not merged with its neighbours
    def apart(_: Any, value: Any) -> Any:
        return value

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], finalize=apart
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, ensure_ascii=False, **options)
    environment.globals["raise_exception"] = refuse
    compiled = environment.from_string(template)
    pieces = compiled.root_render_func(compiled.new_context(values))
    found: Written = []
    for text in pieces:
        found.append((compiled.get_corresponding_lineno(pieces.gi_frame.f_lineno), text))
    return found


def blame(template: str, before: Written, after: Written) -> str:
    """The lines that wrote the first character in which `after` does not continue `before`, with their text."""
    place = _parting(_text(before), _text(after))
    old, new = _line_at(before, place), _line_at(after, place)
    then = f"{_told(template, new)} writes now" if new != old else "it writes otherwise now"
    return f"{_told(template, old)} wrote what {then}"


def blame_text(template: str, expected: str, found: Written) -> str:
    """The line that wrote the first character which is not as expected."""
    return _told(template, _line_at(found, _parting(expected, _text(found))))


def _parting(a: str, b: str) -> int:
    """The place of the first difference; the end of the shorter one where there is none before."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _told(template: str, line: int) -> str:
    return f"line {line} ({template.splitlines()[line - 1].strip()[:SHOWN]})"


def _text(pieces: Written) -> str:
    return "".join(text for _, text in pieces)


def _line_at(pieces: Written, place: int) -> int:
    """The line that wrote the character at `place`; the last line where the rendering ends before it."""
    for line, text in pieces:
        place -= len(text)
        if place < 0:
            return line
    return pieces[-1][0]
