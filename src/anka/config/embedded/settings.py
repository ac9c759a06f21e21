"""How the embedded server is configured: on its command line, so that no file can drift from what this version expects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from anka.config.embedded.errors import EmbeddedDatabaseError
from anka.config.embedded.places import Place

# PostgreSQL names its socket after the port even when it listens on no network at all.
SOCKET_PORT = 5432

# For a machine with two cores and 2 to 4 GB that also runs the web and worker processes.
TUNED: Mapping[str, str] = MappingProxyType(
    {
        "shared_buffers": "256MB",
        "effective_cache_size": "1GB",
        "maintenance_work_mem": "64MB",
        "max_connections": "200",
        "max_wal_size": "1GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "huge_pages": "off",
        # Compiling a plan costs more than the short statements of a shop ever take.
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # The same answers on every machine, whatever its locale and time zone.
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "datestyle": "ISO, YMD",
        # Statements and details may carry what people typed; the log must not.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
    }
)

_RESERVED = frozenset(
    {
        "cluster_name",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "ident_file",
        "config_file",
        "listen_addresses",
        "log_destination",
        "logging_collector",
        "port",
        "unix_socket_directories",
        "unix_socket_permissions",
        "update_process_title",
    }
)
_NAME = re.compile(r"[a-z_][a-z0-9_.]*")

ACCESS_RULES = """\
# Written by Anka at every start. Only two roles may come in: through the socket, whose folder only the server's own user and root can
# enter, or over TCP, if a port was asked for, with a password.
local all anka_owner,anka_app trust
host all anka_owner,anka_app 127.0.0.1/32 scram-sha-256
"""


class DatabaseSettingRefused(EmbeddedDatabaseError):
    """A setting is unknown, has an impossible value, or belongs to the launcher."""

    code = "embedded_setting_refused"
    template = (
        "The embedded database was given a setting it cannot use (%(reason)s); nothing was lost. Correct it, then start again. Log: %(log)s"
    )


def server_arguments(*, place: Place, port: int | None, settings: Mapping[str, str]) -> list[str]:
    """Return the arguments of `postgres` after `-D data`.

    Raises DatabaseSettingRefused for a setting the launcher needs for itself, an impossible name or an impossible port.
    """
    if port is not None and not 1 <= port <= 65535:
        raise DatabaseSettingRefused(**place.facts(reason=f"{port} is no port: they go from 1 to 65535"))
    for name in settings:
        if not _NAME.fullmatch(name) or name in _RESERVED:
            raise DatabaseSettingRefused(**place.facts(reason=f"{name} is unknown, or belongs to the launcher"))
    own = {
        "cluster_name": place.cluster,
        "hba_file": str(place.access_rules),
        "listen_addresses": "" if port is None else "127.0.0.1",
        "port": str(SOCKET_PORT if port is None else port),
        "unix_socket_directories": str(place.socket),
        "unix_socket_permissions": "0700",
        "update_process_title": "on",
    }
    return [part for name, value in {**TUNED, **settings, **own}.items() for part in ("-c", f"{name}={value}")]
