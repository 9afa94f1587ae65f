"""Documents: YAML nodes with positions, and text that knows its origins."""
