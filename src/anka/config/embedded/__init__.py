"""The embedded PostgreSQL: our own launcher over the programs of an installed wheel."""

from anka.config.embedded.binaries import binaries
from anka.config.embedded.errors import EmbeddedDatabaseError
from anka.config.embedded.server import Server, folder_of, running, start

__all__ = ["EmbeddedDatabaseError", "Server", "binaries", "folder_of", "running", "start"]
