"""Operating the server: processes that stop in order and show that they live, and the seal of backups."""
