"""The HTTP side: JSON under `/api/v1`, events, metrics, and the application that holds the pages."""
