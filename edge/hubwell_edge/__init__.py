"""The edge agent: sources -> stamps -> outbox on disk -> MQTT. Also a simulated hub and a CSV replay."""
