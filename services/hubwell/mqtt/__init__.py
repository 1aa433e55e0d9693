"""MQTT of the server: the subscriber of ingest, the publisher of the worker. Nothing else speaks MQTT."""
