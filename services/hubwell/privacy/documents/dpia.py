"""Inputs for a data protection impact assessment, from the live configuration; prose in `dpia.toml`."""

from hubwell.privacy.documents.document import Document
from hubwell.privacy.documents.inventory import Inventory
from hubwell.privacy.documents.prose import document, retention_sentence


def dpia(inventory: Inventory) -> Document:
    """Return the inputs."""
    terms = [(f"Deleted: {term.data}", retention_sentence(inventory, term.data)) for term in inventory.terms]
    return document("dpia", inventory, terms=terms)
