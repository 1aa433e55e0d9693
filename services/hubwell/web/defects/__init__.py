"""Pages of defects: their list, and the form on the page of a space."""
