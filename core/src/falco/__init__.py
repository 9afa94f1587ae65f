"""Falco in Python."""
