"""The pipeline: source, decoder, ruleset and outputs wired together."""
