"""Privacy: published counts with disclosure control, retention, erasure with proof, export, documents."""
