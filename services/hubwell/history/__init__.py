"""What spaces were like: their air and their use over days, weeks and months."""
