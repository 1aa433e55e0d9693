"""Pages for a learner: their own visits, export, correction and erasure."""
