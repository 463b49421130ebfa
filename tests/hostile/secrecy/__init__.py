"""Secrets that come back: echoed in every form by a service, and searched for in everything that is left."""
