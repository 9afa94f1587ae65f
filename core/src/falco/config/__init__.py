"""Configuration: falco.yaml, its merge rules and its settings."""
