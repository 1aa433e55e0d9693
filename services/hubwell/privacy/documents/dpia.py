"""Inputs for a data protection impact assessment, from the live configuration.

The criteria are those of the guidelines WP 248; which list is in force, and whether its count was met, is the
site's to check. What this project could not confirm from the primary source is listed as such.
"""

from typing import Final

from hubwell.privacy.documents.document import Document, Section, fill
from hubwell.privacy.documents.inventory import Inventory
from hubwell.privacy.documents.processing_record import MEASURES, retention_sentence

_SOME: Final = "partly"
_RISKS: Final = (
    ("Risk", "What Hubwell does", "What stays for the site"),
    (
        "Somebody's movements are looked up",
        (
            "Nobody sees another person's visits, administration included; taps and visits are deleted "
            "by the hour; "
            "each role's pages are tested for it"
        ),
        "Who has access to the database and the machine; how long backups are kept",
    ),
    (
        "A person is singled out of counts",
        (
            "Groups of five or more, closed windows of five minutes, rounding, hidden complements; "
            "nothing at all for "
            "one person's room"
        ),
        "Mark rooms of one person as such; do not publish timetables that name who is alone in a room",
    ),
    (
        "Badge numbers are recovered from stored data",
        "Keyed pseudonyms, keys apart from the data, new keys each epoch, keys destroyed at its end",
        "Keep the folder of keys off backups and shares; rotate each term",
    ),
    (
        "A copied badge makes somebody appear where they were not",
        (
            "A badge at two places at once is a question, never a finding; cards that sign each tap are "
            "supported"
        ),
        "Do not use presence as evidence against anybody",
    ),
    (
        "Presence is used to judge attendance or behaviour",
        "No absence alerts, no scores, no inferred mood; session rolls need a purpose and delete themselves",
        "Write down that attendance is voluntary, and who may enter sessions",
    ),
    (
        "Consent is not free where there is a power gap",
        "A QR code or a staffed desk with equal standing; badges without a name; nothing depends on tapping",
        "Choose another legal basis than consent where there is a power gap, and say which",
    ),
    (
        "Readings of a small room tell whether somebody is in",
        "Finer readings only for roles that need them; nothing is shown of one person's room",
        "Tell the people who work there; decide whether the sensor is needed",
    ),
    (
        "Data of an erased person comes back",
        (
            "Devices are told to forget; late messages of the badge are dropped unread for two weeks; "
            "every table is "
            "searched and the result kept as a proof"
        ),
        "After restoring an older backup, erase again (hubwell privacy erase)",
    ),
    (
        "Names are seen in a drill without need",
        (
            "Two people must agree, or an alarm; every look is in the audit log; the list is deleted at "
            "its closing"
        ),
        "Note the head of the audit log outside (hubwell audit-log head)",
    ),
)
_TO_CONFIRM: Final = (
    (
        "The list of criteria in its final version, and the number of them from which an assessment is "
        "mandatory here."
    ),
    "National rules for employment and schools, and the rights of works councils and pupils' councils.",
    "Every retention time and the group size of five: they are choices of this project, not law.",
    "How the authority in charge sees keyed pseudonyms; Hubwell treats them as personal data.",
)


def dpia(found: Inventory) -> Document:
    """Return the inputs."""
    settings = found.settings
    return Document(
        f"Inputs for a data protection impact assessment: {settings.hub_name}",
        found.at,
        (
            Section("What this is", _intro(found)),
            Section("The processing", table=_processing(found)),
            Section("Why it is needed, and why not less", _necessity(found)),
            Section("Criteria that ask for an assessment", _criteria_text(), _criteria(found)),
            Section("Risks and measures", table=_RISKS),
            Section("Measures in the program", MEASURES),
            Section("Not confirmed by this project", _TO_CONFIRM),
            Section("Opinions and decision", _decision()),
        ),
    )


def _intro(found: Inventory) -> tuple[str, ...]:
    return (
        "Hubwell wrote this from its live configuration. It is not the assessment: a person completes it.",
        (
            f"Controller: {found.settings.privacy_controller or fill('name and address')}. "
            f"Contact: {found.settings.privacy_contact or fill('data protection contact')}."
        ),
        f"Legal basis: {found.settings.privacy_basis or fill('legal basis, activity by activity')}",
    )


def _processing(found: Inventory) -> tuple[tuple[str, ...], ...]:
    readers = ", ".join(f"{count} for {purpose}" for purpose, count in sorted(found.readers.items()))
    return (
        ("What", "In this hub"),
        ("Spaces", f"{found.spaces}, of which {found.personal_spaces} are one person's room"),
        ("Devices", f"{found.devices}, of which {found.muster_stations} are muster stations"),
        ("Measured", ", ".join(sorted(found.quantities)) or "nothing yet"),
        ("Badge readers", readers or "none"),
        ("Badges that nobody enrolled", found.settings.unknown_badges),
        ("People in the register", _scale(found.enrolled)),
        ("Accounts", f"{found.accounts}"),
        *((f"Deleted: {term.data}", retention_sentence(found, term.data)) for term in found.terms),
    )


def _scale(people: int) -> str:
    for bound in (100, 1000, 10_000):
        if people < bound:
            return f"fewer than {bound}"
    return "10000 or more"


def _necessity(found: Inventory) -> tuple[str, ...]:
    identity = (
        "Counting people needs no identity: figures are of groups, and taps are deleted "
        f"{retention_sentence(found, 'tap')}. Identity is needed to move a person between spaces, to let "
        "them see and erase "
        "their own visits, and to account for everybody in an evacuation."
    )
    return (identity, fill("why the hub cannot do with less: fewer readers, shorter times, no names"))


def _criteria_text() -> tuple[str, ...]:
    return (
        (
            "Criteria as in the guidelines WP 248; two or more that apply normally mean that an "
            "assessment is needed."
        ),
    )


def _criteria(found: Inventory) -> tuple[tuple[str, ...], ...]:
    badges = found.has_readers or found.enrolled > 0
    return (
        ("Criterion", "Applies", "Why"),
        ("Evaluation or scoring", "no", "no scores, no profiles, no inferred wellbeing"),
        (
            "Automated decisions with legal or similar effect",
            "no",
            "a full space may turn people away; no more",
        ),
        (
            "Systematic monitoring",
            "yes" if badges else _SOME,
            "presence of people who use badges" if badges else "sensors show whether spaces are used",
        ),
        ("Sensitive data", fill("yes or no"), "Hubwell stores none; a space's name may tell something"),
        ("Large scale", fill("yes or no"), f"people in the register: {_scale(found.enrolled)}"),
        (
            "Matching or combining data",
            _SOME if badges else "no",
            "sensed headcount is held against the muster list; nothing else is matched",
        ),
        ("Vulnerable people", fill("yes or no"), "learners, perhaps minors, and employees: usually yes"),
        ("Innovative technology", "yes", "sensors and badges together"),
        (
            "Blocks a right or a service",
            "no",
            "a QR code or the desk serve without a badge, with equal standing",
        ),
    )


def _decision() -> tuple[str, ...]:
    return (
        fill("opinion of the data protection officer"),
        fill("opinion of learners, staff and their representatives"),
        fill("decision, measures that were added, date, signature, date of the next look"),
    )
