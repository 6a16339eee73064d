"""A board's rules as its readers are told them."""

import math

from evalcommons.core.board_rules import Selection, TaskRules
from evalcommons.core.evidence import EvidenceLevel

_SELECTION = {
    Selection.BEST: "its best report",
    Selection.LATEST: "its latest report",
    Selection.MOST_TRUSTED: "its report with the strongest evidence",
}


def column(rules: TaskRules) -> str:
    """What the column of values is called: metric and unit, as the benchmark declares them."""
    if rules.metric and rules.unit:
        return f"{rules.metric}, {rules.unit}"
    return rules.metric or rules.unit or "value"


def sentences(rules: TaskRules, higher_is_better: bool) -> list[str]:
    """The rules in words, most important first."""
    said = ["Higher is better." if higher_is_better else "Lower is better."]
    if not rules.metric and not rules.unit:
        said.append("The benchmark declares no metric and no unit: numbers are shown as they were submitted.")
    elif not rules.unit:
        said.append("No unit is declared: numbers are shown as they were submitted.")
    if rules.bounds is not None:
        low, high = rules.bounds
        if math.isinf(high):
            said.append(f"Values are at least {low:g}.")
        elif math.isinf(low):
            said.append(f"Values are at most {high:g}.")
        else:
            said.append(f"Values lie between {low:g} and {high:g}.")
    what = "model and variant" if rules.variants else "model"
    said.append(f"One row a {what}: {_SELECTION[rules.selection]}. Equal values share a rank.")
    if rules.minimum_evidence > EvidenceLevel.REPORTED:
        said.append(f"Only reports that are {rules.minimum_evidence.label} or better rank.")
    if rules.samples:
        said.append(f"The task has {rules.samples:,} samples; a report on fewer does not rank.")
    if rules.edition:
        said.append(f"Current edition: {rules.edition}.")
    return said
