"""Output channels: stdout, file, syslog, program, HTTP."""
