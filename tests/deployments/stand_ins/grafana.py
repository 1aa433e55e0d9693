"""Answers Grafana's health check; Grafana itself is in no package registry."""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Health(BaseHTTPRequestHandler):
    """Every address answers as /api/health does."""

    def do_GET(self) -> None:
        """Answer."""
        body = json.dumps({"database": "ok", "version": "stand-in"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
ThreadingHTTPServer(("0.0.0.0", 3000), Health).serve_forever()  # noqa: S104 - inside a container
