"""The MQTT contract between edge and server: topics, messages, units. Imports neither side."""
