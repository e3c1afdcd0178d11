"""The rxflow command line, the client library and the demo world."""
