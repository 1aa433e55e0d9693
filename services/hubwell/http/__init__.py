"""HTTP shared by pages and API: who asks, the session cookie, rate limits, the database, headers, errors."""
