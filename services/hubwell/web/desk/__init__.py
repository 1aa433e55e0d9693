"""Pages for staff: badges, people, who is on site, course sessions."""
