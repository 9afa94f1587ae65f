"""Plugins: hook specs and their manager."""
