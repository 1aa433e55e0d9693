"""The tamper-evident audit log of actions by people and programs, and the proofs of deletion."""
