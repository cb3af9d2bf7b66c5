"""The console as people meet it: in a real browser, against a real daemon."""
