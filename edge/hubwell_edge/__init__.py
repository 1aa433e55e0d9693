"""The edge agent: sources of readings -> stamp -> outbox on disk -> MQTT, and a simulator and a replay."""
