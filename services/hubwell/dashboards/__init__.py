"""Grafana dashboards, built by Python: the JSON in `dashboards/` is generated and never edited."""
