"""The page of a space with its past, and the use of all spaces."""
