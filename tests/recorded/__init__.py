"""Reading and judging recorded behaviour of Falco; the tests are in ``tests/conformance``."""
