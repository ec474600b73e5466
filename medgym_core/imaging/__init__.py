"""Synthetic medical images: drawn from parameterised findings, stored as PNG, measured on their pixels.

picture.py          encode(pixels) -> PNG bytes, decode(png) -> pixels
draw.py             what modalities draw with: noise, discs, irregular blobs, dabs, strokes, traces
measure.py          what modalities measure with: thresholds, connected objects, size, shape, colour, change, quality
degrade.py          what goes wrong with a picture: blur, bad exposure, low contrast, noise
modalities/*.py     one small module a modality, all of the same form:

    MODALITY: str                       what `Picture.modality` says
    BODY_PART: str                      what `Picture.body_part` says by default
    MM_PER_PIXEL: float                 scale of the drawn pixels
    Findings                            frozen dataclass of typed parameters, in physical units (mm, ms, counts, shares)
    sample(rng) -> Findings             random plausible parameters
    draw(rng, findings) -> pixels       uint8, (H, W) grey or (H, W, 3) RGB, at most 30,000 bytes, in at most 5 ms
    measure(pixels, mm_per_pixel)       dict[str, float]: values by name, the unit at the end of the name
        -> dict[str, float]             (`diameter_mm`, `area_mm2`, `rate_per_min`; shares and ratios lie in 0..1)
    expected(findings)                  what `measure` ought to give: the truth of the parameters, by the same names
        -> dict[str, float]
    TOLERANCE: dict[str, float]         largest absolute error of each name in `expected`

Rules. `measure` sees pixels and the scale, nothing else: what it cannot find is absent from its answer (no scale, no
millimetres; no lesion, no diameter), never zero or normal. Conversely zero objects counted is a count. Drawing is
seeded by a `random.Random`; on arrays it uses elementwise +, -, *, / and square roots only, whose results are the same
on every processor, so that equal parameters give equal bytes. Parameters live with the
verifier; a chart holds the PNG alone.
"""
