"""Paired screens: codes, tokens and what each shows: the wall, a panel or a kiosk, and nothing else."""
