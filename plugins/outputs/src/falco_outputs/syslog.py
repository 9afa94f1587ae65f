"""The syslog channel: the local daemon, or a receiver of RFC 5424 messages as an extension."""

from __future__ import annotations

import errno
import importlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import msgspec

from falco import Output, OutputError, extension
from falco_outputs.rfc5424 import Sender

if TYPE_CHECKING:
    from falco import Alert

_SOCKETS: Final = ("/dev/log", "/var/run/syslog")
_IDENT: Final = "falco"


class SyslogConfig(msgspec.Struct, frozen=True):
    """Keys of ``syslog_output``, all of them extensions: Falco only switches the channel on."""

    address: Annotated[
        str, extension("udp://host:514, tcp://host:514 or tls://host:6514; none is the daemon of this machine.")
    ] = ""
    ca_cert: Annotated[str, extension("File with the authorities that are trusted; none is those of the system.")] = ""
    facility: Annotated[int, extension("Number of the facility; 1 is user-level.", ge=0, le=23)] = 1
    timeout_s: Annotated[float, extension("Seconds for connecting and for sending.", gt=0, le=86_400)] = 5.0


class SyslogOutput(Output):
    """One message an alert, with the alert's priority as severity."""

    name: ClassVar[str] = "syslog"
    config_type: ClassVar[type[msgspec.Struct]] = SyslogConfig
    config: SyslogConfig
    _daemon: Any = None
    _sender: Sender | None = None

    def open(self) -> None:
        """Find the daemon, or prepare for the receiver.

        Raises:
            OutputError: There is no daemon here, or the address is not understood.
        """
        if self.config.address:
            self._sender = Sender(self.config.address, self.config.timeout_s, self.config.ca_cert)
            return
        try:
            self._daemon = importlib.import_module("syslog")  # not on Windows
        except ImportError:
            raise OutputError("this system has no local syslog: give x-falco-py.syslog_output.address") from None
        self._find_daemon()
        self._daemon.openlog(_IDENT, 0, self.config.facility << 3)

    def write(self, alert: Alert) -> None:
        """Send one alert.

        Raises:
            OutputError: The daemon's socket is gone, or the receiver cannot be reached.
        """
        severity, text = int(alert.template.priority), self.context.render(alert)
        if self._sender is not None:
            try:
                self._sender.send(self.config.facility << 3 | severity, socket.gethostname(), _IDENT, os.getpid(), text)
            except OSError as error:
                raise OutputError(f"syslog receiver {self.config.address}: {error.strerror or error}") from error
        elif self._daemon is not None:
            self._find_daemon()
            self._daemon.syslog(severity, text)
        else:
            raise OutputError("syslog_output is closed")

    def reopen(self) -> None:
        """Drop the connection; the next alert makes a new one."""
        if self._sender is not None:
            self._sender.close()

    def close(self) -> None:
        """Close the connection."""
        if self._sender is not None:
            self._sender.close()
        if self._daemon is not None:
            self._daemon.closelog()
        self._sender = self._daemon = None

    def _find_daemon(self) -> None:
        """syslog(3) loses messages without a word when nobody listens; say it instead.

        Raises:
            OutputError: There is no socket, or a dead daemon left it behind.
        """
        found = []
        for path in _SOCKETS:
            try:
                _connect(path)
            except OSError as error:
                if error.errno == errno.EPROTOTYPE:  # listens to streams
                    return
                found.append(f"{path}: {error.strerror}")
            else:
                return
        raise OutputError(f"no syslog daemon listens here ({', '.join(found)})")


def _connect(path: str) -> None:
    """Connect to the datagram socket *path*, and go."""
    if sys.platform != "win32":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            probe.connect(path)
