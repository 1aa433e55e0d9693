"""MQTT of the server: the subscriber of ingest, the publisher of the worker. No other package uses MQTT."""
