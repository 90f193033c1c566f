"""The closed list of misjudgements: the wrong way of thinking each distractor stands for.

The one place that knows it; files, admin and reports all read it from here.
"""

from __future__ import annotations

from typing import Final

MISJUDGEMENTS: Final[dict[str, str]] = {
    "technical-fix-first": "Reaches for technology before people, process or the decision itself",
    "skips-risk-assessment": "Acts before the risk has been assessed",
    "exceeds-authority": "Decides what belongs to someone else",
    "wrong-order": "Does the right thing at the wrong moment",
    "treats-symptom": "Mends what shows and leaves the cause",
    "compliance-for-its-own-sake": "Serves the rule instead of what the rule is for",
    "ignores-business": "Leaves the organisation's objectives out of the decision",
    "over-control": "Spends more on control than the risk is worth",
    "under-reacts": "Waits, watches or accepts where action is due",
    "delegates-accountability": "Hands over what cannot be handed over",
    "evidence-destroyed": "Spoils evidence while repairing",
    "fact-error": "Rests on something that is not so",
    "calculation-error": "Rests on a miscalculation",
    "ignores-people": "Overlooks the people who must carry it",
    "transfers-blame": "Looks for someone to answer for it instead of an answer",
}
