"""What modalities draw with. Coordinates and lengths are pixels, x right, y down, (0, 0) the first pixel's centre.

A canvas is float32, (H, W) grey or (H, W, 3) RGB, values 0..255; `quantise` makes the picture. Shapes are coverages in
0..1 with soft, anti-aliased edges: `blend(canvas, coverage, value)` paints them. Only elementwise +, -, *, / and square
roots are used, so the same seed gives the same bytes on every processor.
"""

from collections.abc import Sequence
from functools import lru_cache
from random import Random

import numpy as np

FITS = 200  # places `fit` tries
JITTER = 0.3  # pixels that `places` moves a point off its pixel's centre
Value = float | Sequence[float]
"""A grey value or (red, green, blue), 0..255."""


def generator(rng: Random) -> np.random.Generator:
    """A numpy generator seeded from the case's own generator."""
    return np.random.Generator(np.random.PCG64(rng.getrandbits(64)))


def canvas(height: int, width: int, value: Value) -> np.ndarray:
    """A canvas of one value; RGB where the value has three."""
    value = np.asarray(value, np.float32)
    return np.full((height, width, *value.shape), value, np.float32)


def quantise(image: np.ndarray) -> np.ndarray:
    """The canvas as uint8."""
    return np.clip(image + np.float32(0.5), 0, 255).astype(np.uint8)


@lru_cache(32)
def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """y (H, 1) and x (1, W) as float32, shared: do not write to them."""
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]


def noise(gen: np.random.Generator, height: int, width: int, cell: float) -> np.ndarray:
    """Smooth texture in -1..1: random values every `cell` pixels, interpolated."""
    rows, columns = int(height / cell) + 2, int(width / cell) + 2
    values = gen.random((rows, columns), np.float32) * 2 - 1
    i, wy = _steps(height, cell)
    j, wx = _steps(width, cell)
    lines = values[i] + (values[i + 1] - values[i]) * wy[:, None]
    return lines[:, j] + (lines[:, j + 1] - lines[:, j]) * wx


@lru_cache(64)
def _steps(length: int, cell: float) -> tuple[np.ndarray, np.ndarray]:
    position = np.arange(length, dtype=np.float32) / np.float32(cell)
    i = position.astype(np.intp)
    w = position - i
    return i, w * w * (3 - 2 * w)  # smoothstep


def texture(gen: np.random.Generator, height: int, width: int, cells: Sequence[float]) -> np.ndarray:
    """Several scales of `noise` added, each half as strong as the one before."""
    total = noise(gen, height, width, cells[0])
    for k, cell in enumerate(cells[1:], 1):
        total += noise(gen, height, width, cell) / 2**k
    return total


def grain(gen: np.random.Generator, shape: tuple[int, ...], sd: float) -> np.ndarray:
    """Independent noise of that standard deviation (triangular: the sum of two uniform values)."""
    return (gen.random(shape, np.float32) + gen.random(shape, np.float32) - 1) * np.float32(sd * 6**0.5)


def ellipse(
    height: int,
    width: int,
    x: float,
    y: float,
    rx: float,
    ry: float,
    turn: tuple[float, float] = (1.0, 0.0),
    soft: float = 1.0,
) -> np.ndarray:
    """Coverage of an ellipse; `turn` is the unit vector of its rx axis, `soft` the width of its edge."""
    ys, xs = grid(height, width)
    return _ellipse(xs - np.float32(x), ys - np.float32(y), rx, ry, turn, soft)


def ring(height: int, width: int, x: float, y: float, r: float, thick: float, soft: float = 1.0) -> np.ndarray:
    """Coverage of a circular ring of middle radius `r`."""
    ys, xs = grid(height, width)
    distance = np.sqrt((xs - np.float32(x)) ** 2 + (ys - np.float32(y)) ** 2)
    return edge(np.float32(thick / 2) - np.abs(distance - np.float32(r)), soft)


def blob(
    height: int,
    width: int,
    x: float,
    y: float,
    rx: float,
    ry: float,
    turn: tuple[float, float] = (1.0, 0.0),
    waves: Sequence[tuple[int, float, float]] = (),
    soft: float = 1.0,
) -> np.ndarray:
    """Coverage of an ellipse whose radius is scaled by 1 + sum of a cos(k t) + b sin(k t) over waves (k, a, b)."""
    ys, xs = grid(height, width)
    return _blob(xs - np.float32(x), ys - np.float32(y), rx, ry, turn, waves, soft)


def waves_of(rng: Random, harmonics: Sequence[int], strength: float) -> list[tuple[int, float, float]]:
    """Random waves for `blob` whose amplitudes have a root mean square of `strength` together."""
    raw = [(k, rng.uniform(-1, 1), rng.uniform(-1, 1)) for k in harmonics]
    power = sum(a * a + b * b for _, a, b in raw) / 2
    factor = strength / power**0.5 if power else 0.0
    return [(k, a * factor, b * factor) for k, a, b in raw]


def direction(rng: Random) -> tuple[float, float]:
    """A random unit vector."""
    while True:
        x, y = rng.uniform(-1, 1), rng.uniform(-1, 1)
        length = (x * x + y * y) ** 0.5
        if 0.1 < length <= 1:
            return x / length, y / length


def edge(inside: np.ndarray, soft: float = 1.0) -> np.ndarray:
    """Coverage from the signed distance to an edge (positive inside)."""
    return np.clip(inside / np.float32(soft) + np.float32(0.5), 0, 1)


def blend(image: np.ndarray, coverage: np.ndarray, value: Value | np.ndarray) -> None:
    """Paint `value` (one, or an array as large as the canvas) where covered, in place."""
    cover = coverage[..., None] if image.ndim == 3 else coverage
    image += cover * (np.asarray(value, np.float32) - image)


def dab(
    image: np.ndarray,
    x: float,
    y: float,
    rx: float,
    ry: float,
    value: Value,
    turn: tuple[float, float] = (1.0, 0.0),
    soft: float = 1.0,
    strength: float = 1.0,
    waves: Sequence[tuple[int, float, float]] = (),
) -> None:
    """Paint a small ellipse, or a blob with `waves`, in place, touching only the pixels around it."""
    reach = max(rx, ry) * (1 + sum(abs(a) + abs(b) for _, a, b in waves)) + soft
    top, left = max(0, int(y - reach)), max(0, int(x - reach))
    part = image[top : int(y + reach) + 2, left : int(x + reach) + 2]
    if part.size:
        ys, xs = grid(*part.shape[:2])
        u, v = xs - np.float32(x - left), ys - np.float32(y - top)
        cover = _blob(u, v, rx, ry, turn, waves, soft) if waves else _ellipse(u, v, rx, ry, turn, soft)
        blend(part, cover if strength == 1 else cover * np.float32(strength), value)


def stroke(image: np.ndarray, points: Sequence[tuple[float, float]], width: float, value: Value) -> None:
    """Paint a line through the points (x, y), in place."""
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        reach = width / 2 + 1
        top, left = max(0, int(min(y0, y1) - reach)), max(0, int(min(x0, x1) - reach))
        part = image[top : int(max(y0, y1) + reach) + 2, left : int(max(x0, x1) + reach) + 2]
        if not part.size:
            continue
        ys, xs = grid(*part.shape[:2])
        dx, dy = x1 - x0, y1 - y0
        u, v = xs - np.float32(x0 - left), ys - np.float32(y0 - top)
        along = np.clip((u * np.float32(dx) + v * np.float32(dy)) / np.float32(dx * dx + dy * dy + 1e-9), 0, 1)
        distance = np.sqrt((u - along * np.float32(dx)) ** 2 + (v - along * np.float32(dy)) ** 2)
        blend(part, edge(np.float32(width / 2) - distance), value)


def trace(image: np.ndarray, heights: np.ndarray, width: float, value: Value) -> None:
    """Paint a curve, one height (y) a column, in place; steep parts are joined."""
    y = np.asarray(heights, np.float32)
    middle = (y[1:] + y[:-1]) / 2
    before, after = np.concatenate([y[:1], middle]), np.concatenate([middle, y[-1:]])
    low, high = np.minimum(np.minimum(before, after), y), np.maximum(np.maximum(before, after), y)
    ys, _ = grid(*image.shape[:2])
    half = np.float32(width / 2)
    blend(image, np.clip(np.minimum(ys - low + half, high + half - ys) + np.float32(0.5), 0, 1), value)


def places(
    rng: Random, count: int, width: int, height: int, apart: float, allowed: "np.ndarray | None" = None
) -> list[tuple[float, float]]:
    """Up to `count` random points (x, y) at least `apart` from one another, on True pixels of `allowed` where given.

    Fewer come back where no more fit: the caller says what that means.
    """
    free = np.ones((height, width), bool) if allowed is None else allowed.copy()
    far, taken = _disc(apart + 2 * JITTER)
    found: list[tuple[float, float]] = []
    while len(found) < count:
        spots = np.flatnonzero(free)
        if not len(spots):
            break
        y, x = divmod(int(spots[rng.randrange(len(spots))]), width)
        found.append((x + rng.uniform(-JITTER, JITTER), y + rng.uniform(-JITTER, JITTER)))
        top, left = max(0, y - far), max(0, x - far)
        part = free[top : y + far + 1, left : x + far + 1]
        part &= ~taken[top - y + far :, left - x + far :][: part.shape[0], : part.shape[1]]
    return found


def fit(rng: Random, free: np.ndarray, r: float, gap: float) -> tuple[float, float] | None:
    """A random place (x, y) for a disc of radius `r` with a gap around; then no longer free. None: no place found."""
    reach, disc = _disc(int((r + gap) * 4 + 1) / 4)  # few sizes, remembered
    height, width = free.shape
    wide = width - 2 * reach
    spots = np.flatnonzero(free[reach : height - reach, reach : width - reach])
    for _ in range(FITS if len(spots) else 0):
        y, x = divmod(int(spots[rng.randrange(len(spots))]), wide)
        window = free[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
        if window[disc].all():
            window[disc] = False
            return float(x + reach), float(y + reach)
    return None


@lru_cache(256)
def _disc(radius: float) -> tuple[int, np.ndarray]:
    """Half width and mask of a disc, its rim excluded."""
    far = int(radius)
    ys, xs = np.ogrid[-far : far + 1, -far : far + 1]
    return far, xs * xs + ys * ys < radius * radius


def eighths(height: int, width: int, x: float, y: float) -> np.ndarray:
    """Which of eight equal sectors around (x, y) each pixel lies in, 0 to 7."""
    ys, xs = grid(height, width)
    u, v = np.broadcast_arrays(xs - np.float32(x), ys - np.float32(y))
    crossed = (u < 0) != (v < 0)
    return (v < 0) * 4 + crossed * 2 + np.where(crossed, abs(v) < abs(u), abs(v) >= abs(u))


def _turned(u: np.ndarray, v: np.ndarray, turn: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    c, s = np.float32(turn[0]), np.float32(turn[1])
    return u * c + v * s, v * c - u * s


def _ellipse(u: np.ndarray, v: np.ndarray, rx: float, ry: float, turn: tuple[float, float], soft: float) -> np.ndarray:
    if turn != (1.0, 0.0):
        u, v = _turned(u, v, turn)
    if rx == ry:
        return edge(np.float32(rx) - np.sqrt(u * u + v * v), soft)
    u, v = u / np.float32(rx), v / np.float32(ry)
    return edge((1 - np.sqrt(u * u + v * v)) * np.float32(min(rx, ry)), soft)


def _blob(
    u: np.ndarray,
    v: np.ndarray,
    rx: float,
    ry: float,
    turn: tuple[float, float],
    waves: Sequence[tuple[int, float, float]],
    soft: float,
) -> np.ndarray:
    u, v = _turned(u, v, turn)
    u, v = u / np.float32(rx), v / np.float32(ry)
    r = np.sqrt(u * u + v * v) + np.float32(1e-6)
    c, s = u / r, v / r
    scale = np.ones_like(r)
    ck, sk = np.ones_like(r), np.zeros_like(r)
    wanted = {k: (a, b) for k, a, b in waves}
    for k in range(1, max(wanted, default=0) + 1):  # (c + is)^k, without trigonometry
        ck, sk = ck * c - sk * s, sk * c + ck * s
        if k in wanted:
            a, b = wanted[k]
            scale += np.float32(a) * ck + np.float32(b) * sk
    return edge((scale - r) * np.float32((rx + ry) / 2), soft)
