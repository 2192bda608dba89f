"""Clients of model servers: protocol detection, requests, and what may go wrong on the way."""
