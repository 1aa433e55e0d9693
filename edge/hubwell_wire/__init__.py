"""The MQTT contract: topics, messages, units, and pseudonyms of badges."""
