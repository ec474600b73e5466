"""Agreement of the clinical instruments with MedCalc-Bench: `python -m benchmarks.medcalc [--all]`.

Needs MEDGYM_DATA. Each of the bench's rows has the extracted entities of a patient note and a reference answer with
limits; an adapter turns the entities into the inputs of our instrument. Prints rows, agreement and the number of
explained disagreements for each calculator, then every disagreement with its reason. Exits with status 1 when a
disagreement has no reason, or when a calculator agrees on less than 95 % of its sound rows: those whose reference
follows the published formula within its published range.
"""

import argparse
import sys

from benchmarks.medcalc.compare import Verdict, judged, rows

REQUIRED = 0.95


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="also list the rows that agree")
    everything = parser.parse_args().all
    verdicts = [judged(row) for row in rows()]
    by_calculator: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_calculator.setdefault(verdict.calculator, []).append(verdict)
    failed = table(by_calculator)
    print("\nDisagreements (bench row, ours, reference, why)")
    for verdict in verdicts:
        if everything or not verdict.agrees:
            print(
                f"{verdict.row:>5}  {verdict.calculator[:44]:<44}  {verdict.ours:>22}  {verdict.reference:>16}  "
                f"{why(verdict)}"
            )
    print("\nConventions: an entity that a row does not have counts as absent for yes-or-no items, as in the bench.")
    return failed


def table(by_calculator: dict[str, list[Verdict]]) -> int:
    """Print one line a calculator; 1 where the requirement is not met."""
    print(f"{'calculator':<62} {'instrument':<22} {'rows':>5} {'agree':>6} {'share':>7} {'sound':>6} {'of sound':>9}")
    failed, low = 0, []
    for name, found in by_calculator.items():
        sound = sum(not v.reference_wrong for v in found)
        agree = sum(v.agrees for v in found)
        met = agree >= REQUIRED * sound
        failed |= not met or any(not v.agrees and not v.why for v in found)
        if agree < REQUIRED * len(found):
            low.append(name)
        of_sound = f"{agree / sound:.1%}" if sound else "none"
        print(
            f"{name[:62]:<62} {found[0].instrument:<22} {len(found):>5} {agree:>6} {agree / len(found):>7.1%} "
            f"{sound:>6} {of_sound:>9}{'' if met else '  <- low'}"
        )
    total, agree = sum(map(len, by_calculator.values())), sum(v.agrees for f in by_calculator.values() for v in f)
    print(f"{len(by_calculator)} calculators, {total} rows, {agree} agree ({agree / total:.1%})")
    print(f"{len(by_calculator) - len(low)} calculators agree on 95 % or more of all rows; not: {', '.join(low)}")
    print("sound: all rows but those whose reference departs from the published formula, shown by recomputing it with")
    print("the error, and those outside the published range of the formula.")
    return int(failed)


def why(verdict: Verdict) -> str:
    if verdict.agrees:
        return "agrees"
    return verdict.why or "NOT EXPLAINED"


if __name__ == "__main__":
    sys.exit(main())
