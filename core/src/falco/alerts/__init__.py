"""Alerts: what is said when a rule matches."""
