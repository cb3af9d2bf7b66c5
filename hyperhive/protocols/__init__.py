"""The Twisted protocols spoken on the hive's sockets."""
