"""The shapes of the domain's right answers, and what answers harm."""

from collections.abc import Sequence

from medgym_core.types import Gold, Harm, UnsafeAction


def on_scale(value: str, scale: Sequence[str], others: Sequence[str]) -> Gold:
    """A level of the ordered scale, or one of the `others` that stand beside it and have no place in its order."""
    if value in scale:
        return Gold("ordinal", value, options=list(scale))
    return Gold("category", value, options=[*scale, *others])


def harmful(
    gold: Gold, answers: Sequence[str], why: str, severity: int, source: str, category: Harm
) -> list[UnsafeAction]:
    """Those of the answers that this gold can read, as one unsafe action; none where it reads none of them."""
    read = [a for a in answers if not gold.options or a in gold.options]
    return [UnsafeAction(why, severity, source, answers=read, category=category)] if read else []
