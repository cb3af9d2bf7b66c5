"""The tests of hyperhive."""
