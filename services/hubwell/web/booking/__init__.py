"""Pages of bookings: a day of all spaces, book a space, one's own bookings, the parts of a space."""
