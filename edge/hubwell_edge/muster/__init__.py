"""The sealed muster of a station: two officers' key parts open it, without server and broker."""
