"""Requests to other servers, each with one limit of time and one of bytes."""
