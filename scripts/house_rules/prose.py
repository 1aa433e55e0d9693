"""The budget of words: docstrings in the field's language, variables with names."""

from collections import Counter

from house_rules.figures import Figures, Hit, measure, word_list
from house_rules.tree import Finding, Report, Tree, report


def check(tree: Tree) -> Report:
    """Refuse more markers per 1,000 docstring words, or more vague variables, than the budget has."""
    shown = []
    wrong: list[Finding] = []
    for name, folder in (("server", tree.server), ("edge", tree.edge)):
        figures = measure([folder])
        shown.append(f"{name} {_markers(figures)} per 1,000 words, {_vague(figures)}")
        wrong += _over_budget(tree, figures)
    return report("; ".join(shown), wrong)


def _markers(figures: Figures) -> str:
    return f"{figures.markers_per_1000_words:.1f} markers"


def _vague(figures: Figures) -> str:
    return f"{figures.vague_percent:.1f} % vague variables"


def _over_budget(tree: Tree, figures: Figures) -> list[Finding]:
    """Return every marker, or every vague name, of a package above the budget, with the package's rate."""
    budget = word_list()
    wrong: list[Finding] = []
    if figures.markers_per_1000_words > budget.markers_per_1000_words:
        why = f"{_markers(figures)} per 1,000 words, at most {budget.markers_per_1000_words}"
        wrong += _findings(tree, figures.markers, f"in a docstring; {why}: name the thing or the role.")
    if figures.vague_percent > budget.vague_percent:
        why = f"{_vague(figures)}, at most {budget.vague_percent}"
        wrong += _findings(tree, figures.vague, f"as a variable; {why}: name what it holds.")
    return wrong


def _findings(tree: Tree, hits: list[Hit], sentence: str) -> list[Finding]:
    often = Counter(hit.word.lower() for hit in hits)
    return [
        Finding(tree.name(hit.path), hit.line, f"“{hit.word}” ({often[hit.word.lower()]} times) {sentence}")
        for hit in hits
    ]
