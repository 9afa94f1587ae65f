"""Kubernetes audit events: sources, decoder, fields."""
