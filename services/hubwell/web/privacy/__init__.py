"""Privacy notice, retention, audit log and documents."""
