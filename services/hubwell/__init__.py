"""The server: ingest, presence, air, spaces, deliveries, API and pages."""
