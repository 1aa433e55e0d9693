"""Plans of floors: what becomes of an uploaded picture, and where on it spaces are."""
