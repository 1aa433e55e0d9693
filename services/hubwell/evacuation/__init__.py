"""Evacuations and drills: the muster lists the people who are probably inside; officers tick them off."""
