"""What leaves about people and how long it stays: the gate for figures, retention, proofs, the audit log."""
