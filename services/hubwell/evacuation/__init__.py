"""Musters: who is probably inside when the hub has to be left, ticked off by several officers at once."""
