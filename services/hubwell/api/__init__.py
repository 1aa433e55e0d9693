"""The HTTP side: JSON under `/api/v1`, the event stream, metrics, and the application that holds the pages."""
