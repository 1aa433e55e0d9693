"""What people do with calendars: pages and API call these."""
