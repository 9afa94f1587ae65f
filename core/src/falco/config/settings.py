"""falco.yaml as the program sees it: one field a key, with its type, default, bounds, meaning and effect.

The structs below are the only list of the keys: reading (``config.convert``), ``--config-schema``
(``config.schema``), the documentation and the notes about keys without effect are made from them.  Defaults are
those of an absent key, which are not always those of the falco.yaml that Falco ships.  Sections of output channels
(``<name>_output``) are not here: each channel brings its own struct.
"""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from falco.config.includes import Strategy
from falco.config.rows import WrongValueError, choice
from falco.rules.model import Priority

PLUGIN_DIRECTORY: Final = PurePosixPath("/usr/share/falco/plugins/")
"""Where upstream looks for a relative ``library_path``; ours are found by name, the path must still stay inside."""


class Effect(Enum):
    """What setting a key changes; the member's value completes the sentence ``<key> has no effect: …``."""

    APPLIES = ""
    DRIVER = "it tunes Falco's kernel driver, which is not used here"
    NATIVE = "it is about parts of Falco that do not exist here"
    LIVE = "it is about live capture; a replay evaluates every event of its capture and forgets no thread that lives"
    MISSING = "this version does not have it"


def _key(
    doc: str, *, effect: Effect = Effect.APPLIES, ge: int | None = None, le: int | None = None, **schema: Any
) -> Meta:
    """The row of one key; *schema* is what its JSON schema has beyond type and bounds."""
    return Meta(description=doc, ge=ge, le=le, extra={"effect": effect}, extra_json_schema=schema or None)


_UINT32: Final = 2**32 - 1
"""The largest number that Falco takes for most keys."""
_MAX_ALERTS: Final = 10_000_000
"""Alerts in a queue: there has to be memory for them."""


def _choice(doc: str, names: dict[str, Any], message: str, *, effect: Effect = Effect.APPLIES, **schema: Any) -> Meta:
    """The row of a key that takes one of *names*; *schema* as in ``_key``."""
    extra = {"effect": effect, **choice(names.get, message, names)}
    return Meta(description=doc, extra=extra, extra_json_schema=schema or None)


class LogLevel(Enum):
    """Severities of log lines; the member's value is the spelling in falco.yaml."""

    EMERGENCY = "emergency"
    ALERT = "alert"
    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"
    INFO = "info"
    DEBUG = "debug"


class LogFormat(Enum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


class Matching(Enum):
    """How many rules one event may trigger."""

    FIRST = "first"
    ALL = "all"


class EngineKind(Enum):
    """Where system calls come from."""

    KMOD = "kmod"
    MODERN_EBPF = "modern_ebpf"
    REPLAY = "replay"
    NODRIVER = "nodriver"


class CaptureMode(Enum):
    """Which rules start a recording."""

    RULES = "rules"
    ALL_RULES = "all_rules"


def _by_value(cls: type[Enum]) -> dict[str, Any]:
    return {member.value: member for member in cls}


_PRIORITIES: Final = {priority.name.lower(): priority for priority in Priority} | {"info": Priority.INFORMATIONAL}
_MATCHING: Final = _by_value(Matching)
_SEVERITIES: Final = ["fatal", "critical", "error", "warning", "notice", "info", "debug", "trace"]


def _priority(text: str) -> Priority | None:
    return _PRIORITIES.get(text.lower())


def _matching(text: str) -> Matching | None:
    return _MATCHING.get(text.lower())


_INCLUDED: Final = {
    "oneOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "strategy": {"type": "string", "enum": [strategy.value for strategy in Strategy]},
            },
            "required": ["path"],
        },
    ]
}
"""JSON schema of an entry of ``config_files``, which ``config.merge`` reads."""


class _Section(Struct, frozen=True, kw_only=True):
    """One mapping of falco.yaml."""


class Kmod(_Section, frozen=True):
    """The kernel module."""

    buf_size_preset: Annotated[
        int, _key("Size class of the buffer of each CPU.", effect=Effect.DRIVER, ge=1, le=10)
    ] = 4
    drop_failed_exit: Annotated[bool, _key("Drop failed system calls in the kernel.", effect=Effect.DRIVER)] = False


class ModernEbpf(_Section, frozen=True):
    """Capture by eBPF programs."""

    cpus_for_each_buffer: Annotated[
        int, _key("CPUs that share a buffer; 0 = all.", effect=Effect.DRIVER, ge=0, le=65_535)
    ] = 2
    buf_size_preset: Annotated[int, _key("Size class of each buffer.", effect=Effect.DRIVER, ge=1, le=10)] = 4
    drop_failed_exit: Annotated[bool, _key("Drop failed system calls in the kernel.", effect=Effect.DRIVER)] = False
    disable_iterators: Annotated[
        bool, _key("Read the processes that run at the start from /proc.", effect=Effect.DRIVER)
    ] = False


class Replay(_Section, frozen=True):
    """A recording in place of the kernel."""

    capture_file: Annotated[str, _key("The capture (.scap) to read; needed when kind is replay.")] = ""


class Engine(_Section, frozen=True):
    """The source of system calls."""

    kind: Annotated[
        EngineKind,
        _choice(
            "Where system calls come from.",
            _by_value(EngineKind),
            "Error reading config file ({file}): engine.kind '{text}' is not a valid kind.",
        ),
    ] = EngineKind.KMOD
    kmod: Kmod = Kmod()
    modern_ebpf: ModernEbpf = ModernEbpf()
    replay: Replay = Replay()

    def __post_init__(self) -> None:
        if self.kind is EngineKind.REPLAY and not self.replay.capture_file:
            raise ValueError("engine.kind is 'replay' but no engine.replay.capture_file specified.")


class Capture(_Section, frozen=True):
    """Recording system calls while rules fire."""

    enabled: Annotated[bool, _key("Record a capture when a rule fires.")] = False
    path_prefix: Annotated[str, _key("Start of the names of captures; time and event number follow.")] = "/tmp/falco"  # noqa: S108  upstream's default
    mode: Annotated[
        CaptureMode,
        _choice(
            "Which rules start a recording.",
            _by_value(CaptureMode),
            "Error reading config file ({file}): capture.mode '{text}' is not a valid mode.",
        ),
    ] = CaptureMode.RULES
    default_duration: Annotated[int, _key("Milliseconds that a recording lasts.", ge=0, le=_UINT32)] = 5000
    max_file_size_mb: Annotated[int, _key("Largest capture in MB; 0 = no limit.", ge=0, le=1_048_576)] = 0


class PluginEntry(_Section, frozen=True):
    """One plugin's configuration."""

    name: Annotated[str, _key("Name that load_plugins uses.")]
    library_path: Annotated[str, _key("Library of Falco's plugin; its file name says which plugin is meant.")] = ""
    init_config: Annotated[
        Any,
        Meta(
            description="Configuration of the plugin: a mapping, or the text of a JSON object.",
            extra={"effect": Effect.APPLIES},
            extra_json_schema={"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]},
        ),
    ] = None
    open_params: Annotated[str, _key("What the plugin's event source opens.")] = ""

    def __post_init__(self) -> None:
        if not self.library_path.startswith("/") and _leaves_directory(self.library_path):
            raise WrongValueError(
                "library_path",
                f"plugin library_path '{self.library_path}' resolves outside the plugins directory "
                f"({PLUGIN_DIRECTORY}/)",
            )


def _leaves_directory(path: str) -> bool:
    depth = 0
    for part in PurePosixPath(path).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


class OutputsQueue(_Section, frozen=True):
    """The queues between rules and output channels."""

    capacity: Annotated[int, _key("Alerts that wait for a channel at most; 0 = 65,536.", ge=0, le=_MAX_ALERTS)] = 0


class AppendMatch(_Section, frozen=True):
    """Which rules an addition is for; what is absent matches everything."""

    source: Annotated[str | None, _key("Event source of the rule.")] = None
    rule: Annotated[str | None, _key("Name of the rule.")] = None
    tags: Annotated[tuple[str, ...], _key("Tags that the rule has, all of them.")] = ()


class AppendOutput(_Section, frozen=True):
    """An addition to the output of rules."""

    match: AppendMatch = AppendMatch()
    extra_output: Annotated[str, _key("Text for the end of the output, with fields.")] = ""
    extra_fields: Annotated[
        tuple[str | dict[str, str], ...], _key("Keys for output_fields: a field, or a name with its format.")
    ] = ()
    suggested_output: Annotated[bool, _key("Add the fields that plugins suggest.")] = False

    def __post_init__(self) -> None:
        for number, item in enumerate(self.extra_fields):
            if isinstance(item, dict) and len(item) != 1:
                sentence = "expected a field, or a mapping with one name and its format"
                raise WrongValueError("extra_fields", sentence, number)


class Selector(_Section, frozen=True):
    """Which rules are meant."""

    rule: Annotated[str | None, _key("Name of rules; * stands for any characters.")] = None
    tag: Annotated[str | None, _key("A tag, exactly.")] = None

    def __post_init__(self) -> None:
        if not self.rule and not self.tag:
            sentence = "say which rules are meant: 'rule' or 'tag' must have a value"
            empty = next((key for key in ("rule", "tag") if getattr(self, key) is not None), None)
            raise ValueError(sentence) if empty is None else WrongValueError(empty, sentence)


class RuleSelection(_Section, frozen=True):
    """One step of switching rules on or off."""

    enable: Annotated[Selector | None, _key("Rules to switch on.")] = None
    disable: Annotated[Selector | None, _key("Rules to switch off.")] = None

    def __post_init__(self) -> None:
        if self.enable is None and self.disable is None:
            raise ValueError("an entry of rules needs 'enable' or 'disable'")


class Webserver(_Section, frozen=True):
    """Health, versions and metrics over HTTP."""

    enabled: Annotated[bool, _key("Listen for HTTP requests.", effect=Effect.MISSING)] = False
    threadiness: Annotated[int, _key("Threads; 0 = one a CPU.", ge=0, le=_UINT32)] = 0
    listen_port: Annotated[int, _key("TCP port.", ge=0, le=65_535)] = 8765
    listen_address: Annotated[str, _key("IPv4 or IPv6 address.")] = "0.0.0.0"  # noqa: S104  upstream's default
    k8s_healthz_endpoint: Annotated[str, _key("Path that answers while the program is well.")] = "/healthz"
    prometheus_metrics_enabled: Annotated[bool, _key("Serve /metrics; needs metrics.enabled.")] = False
    ssl_enabled: Annotated[bool, _key("Use TLS.")] = False
    ssl_certificate: Annotated[str, _key("PEM file with certificate and key.")] = "/etc/falco/falco.pem"

    def __post_init__(self) -> None:
        try:
            ip_address(self.listen_address)
        except ValueError:
            sentence = f'webserver listen address "{self.listen_address}" is not a valid IP address'
            raise WrongValueError("listen_address", sentence) from None


class LibsLogger(_Section, frozen=True):
    """Log lines of Falco's capture libraries."""

    enabled: Annotated[bool, _key("Write their log lines.", effect=Effect.NATIVE)] = True
    severity: Annotated[
        str,
        _choice(
            "Lowest severity.",
            {name: name for name in _SEVERITIES},
            "Unknown sinsp log severity {text}",
            effect=Effect.NATIVE,
            enum=_SEVERITIES,
        ),
    ] = "info"


class SyscallEventTimeouts(_Section, frozen=True):
    """A capture that delivers nothing."""

    max_consecutives: Annotated[
        int,
        _key("Empty reads in a row that raise an alert.", effect=Effect.DRIVER, ge=0, le=_UINT32, minimum=1),
    ] = 1000

    def __post_init__(self) -> None:
        if self.max_consecutives == 0:
            sentence = "the maximum consecutive timeouts without an event must be an unsigned integer > 0"
            raise WrongValueError("max_consecutives", sentence)


_ACTIONS: Final = ["ignore", "log", "alert", "exit"]


class SyscallEventDrops(_Section, frozen=True):
    """System calls that the kernel's buffer had no room for."""

    threshold: Annotated[
        float, _key("Share of dropped events in a second from which actions are taken.", minimum=0, maximum=1)
    ] = 0.1
    actions: Annotated[tuple[str, ...], _key("ignore, log, alert, exit.", items={"enum": _ACTIONS})] = ("ignore",)
    rate: Annotated[float, _key("Actions a second at most, on average.", ge=0)] = 0.03333
    max_burst: Annotated[int, _key("Actions in a row at most.", ge=0, le=_UINT32)] = 1
    simulate_drops: Annotated[bool, _key("For tests: pretend that an event is dropped each second.")] = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise WrongValueError("threshold", "syscall event drops threshold must be a double in the range [0, 1]")
        for number, action in enumerate(self.actions):
            if action not in _ACTIONS:
                sentence = 'available actions for syscall event drops are "ignore", "log", "alert", and "exit"'
                raise WrongValueError("actions", sentence, number)
            if action in {"log", "alert"} and "ignore" in self.actions:
                sentence = f'syscall event drop action "{action}" does not make sense with the "ignore" action'
                raise WrongValueError("actions", sentence, number)


class Metrics(_Section, frozen=True):
    """Figures about the program itself."""

    enabled: Annotated[bool, _key("Collect figures.", effect=Effect.MISSING)] = False
    interval: Annotated[str, _key("Time between two snapshots, such as 15m or 1h30m; 100ms at least.")] = "5000ms"
    output_rule: Annotated[bool, _key("Emit each snapshot as an alert.")] = False
    output_file: Annotated[str, _key("File that gets a JSON line for each snapshot.")] = ""
    rules_counters_enabled: Annotated[bool, _key("Count the alerts of each rule.")] = True
    resource_utilization_enabled: Annotated[bool, _key("CPU and memory of the process and the host.")] = True
    state_counters_enabled: Annotated[bool, _key("Sizes of the tables of threads and descriptors.")] = True
    kernel_event_counters_enabled: Annotated[bool, _key("Events and drops in the kernel.")] = True
    kernel_event_counters_per_cpu_enabled: Annotated[bool, _key("The same for each CPU.")] = True
    libbpf_stats_enabled: Annotated[bool, _key("Run times of Falco's eBPF programs.", effect=Effect.DRIVER)] = True
    plugins_metrics_enabled: Annotated[bool, _key("Figures that plugins report.")] = True
    kernel_iter_event_counters_enabled: Annotated[
        bool, _key("Events of the iterators in the kernel.", effect=Effect.DRIVER)
    ] = True
    jemalloc_stats_enabled: Annotated[bool, _key("Figures of the allocator jemalloc.", effect=Effect.NATIVE)] = True
    convert_memory_to_mb: Annotated[bool, _key("Report memory in MB.")] = True
    include_empty_values: Annotated[bool, _key("Report figures that are zero.")] = False


class BaseSyscalls(_Section, frozen=True):
    """System calls that are captured beyond those that rules name."""

    custom_set: Annotated[tuple[str, ...], _key("Names to add; !name leaves one out.", effect=Effect.LIVE)] = ()
    repair: Annotated[bool, _key("Add the least that the process table needs.", effect=Effect.LIVE)] = False
    all: Annotated[bool, _key("Capture all system calls, also those ignored by default.", effect=Effect.LIVE)] = False


class FalcoLibs(_Section, frozen=True):
    """The process table."""

    thread_table_size: Annotated[int, _key("Threads that are remembered at most; 0 = 262144.", ge=0, le=_UINT32)] = (
        262_144
    )
    thread_table_auto_purging_interval_s: Annotated[
        int, _key("Seconds between two clean-ups.", effect=Effect.LIVE, ge=0, le=_UINT32)
    ] = 300
    thread_table_auto_purging_thread_timeout_s: Annotated[
        int, _key("Seconds of silence after which a thread may be forgotten.", effect=Effect.LIVE, ge=0, le=_UINT32)
    ] = 300
    snaplen: Annotated[
        int, _key("Bytes of an I/O buffer that are kept; 0 = 80.", effect=Effect.LIVE, ge=0, le=65_535)
    ] = 0


class Settings(_Section, frozen=True):
    """The whole of falco.yaml."""

    config_files: Annotated[
        tuple[Any, ...],
        Meta(
            description="Further configuration files and directories, merged in this order.",
            extra={"effect": Effect.APPLIES},
            extra_json_schema={"items": _INCLUDED},
        ),
    ] = ()
    watch_config_files: Annotated[bool, _key("Reload when a configuration or rules file changes.")] = True
    rules_files: Annotated[tuple[str, ...], _key("Rules files and directories, in order.")] = ()
    rules: Annotated[tuple[RuleSelection, ...], _key("Steps that switch rules on and off, in order.")] = ()
    engine: Engine = Engine()
    capture: Capture = Capture()
    load_plugins: Annotated[
        tuple[str, ...] | UnsetType, _key("Plugins to load, by name; absent = all that plugins lists.")
    ] = UNSET
    plugins: Annotated[tuple[PluginEntry, ...], _key("What each plugin gets.")] = ()
    plugins_hostinfo: Annotated[bool, _key("Tell plugins about the host.", effect=Effect.NATIVE)] = True
    time_format_iso_8601: Annotated[bool, _key("Write times as ISO 8601 in UTC.")] = False
    buffer_format_base64: Annotated[bool, _key("Write raw bytes as base64.")] = False
    priority: Annotated[
        Priority,
        Meta(
            description="The least urgent priority whose rules are loaded.",
            extra={
                "effect": Effect.APPLIES,
                **choice(
                    _priority,
                    'Unknown priority "{text}"--must be one of emergency, alert, critical, error, warning, notice, '
                    "informational, debug",
                    (priority.name.lower() for priority in Priority),
                ),
            },
        ),
    ] = Priority.DEBUG
    json_output: Annotated[bool, _key("Write alerts, and what commands print, as JSON.")] = False
    json_include_output_property: Annotated[bool, _key("Put the text line into JSON alerts.")] = True
    json_include_message_property: Annotated[bool, _key("Put the text without time and priority there.")] = False
    json_include_output_fields_property: Annotated[bool, _key("Put the values of fields there.")] = True
    json_include_tags_property: Annotated[bool, _key("Put the tags of the rule there.")] = True
    buffered_outputs: Annotated[bool, _key("Let stdout, file and program gather lines before they write.")] = False
    rule_matching: Annotated[
        Matching,
        Meta(
            description="Whether an event triggers the first rule that matches, or all of them.",
            extra={
                "effect": Effect.APPLIES,
                **choice(
                    _matching,
                    'Unknown rule matching strategy "{text}"--must be one of first, all',
                    _MATCHING,
                ),
            },
        ),
    ] = Matching.FIRST
    outputs_queue: OutputsQueue = OutputsQueue()
    append_output: Annotated[tuple[AppendOutput, ...], _key("Additions to the output of rules.")] = ()
    static_fields: Annotated[dict[str, str], _key("Fields static.<key> with a fixed text.")] = {}
    webserver: Webserver = Webserver()
    log_stderr: Annotated[bool, _key("Write log lines to standard error.")] = False
    log_syslog: Annotated[bool, _key("Write log lines to syslog.")] = True
    log_level: Annotated[
        LogLevel, _choice("Lowest severity of log lines.", _by_value(LogLevel), "Unknown log level {text}")
    ] = LogLevel.INFO
    libs_logger: LibsLogger = LibsLogger()
    output_timeout: Annotated[
        int, _key("Milliseconds after which a blocked channel is reported.", ge=0, le=_UINT32)
    ] = 2000
    syscall_event_timeouts: SyscallEventTimeouts = SyscallEventTimeouts()
    syscall_event_drops: SyscallEventDrops = SyscallEventDrops()
    metrics: Metrics = Metrics()
    base_syscalls: BaseSyscalls = BaseSyscalls()
    falco_libs: FalcoLibs = FalcoLibs()


class Extensions(_Section, frozen=True):
    """Keys below ``x-falco-py`` that Falco does not have; sections of output channels stand beside them."""

    log_format: Annotated[
        LogFormat,
        _choice(
            "Log lines on standard error as text or as JSON objects.",
            _by_value(LogFormat),
            "Unknown log_format {text}: text or json",
        ),
    ] = LogFormat.TEXT
    formatter: Annotated[str, _key("What writes alerts: the name of a formatter that a plugin brings.")] = ""
