"""An Application Load Balancer written down as a configuration of HAProxy 3.0. Pure: values in, text out.

What HAProxy does here follows the user guide
(https://docs.aws.amazon.com/elasticloadbalancing/latest/application/introduction.html); comments name the
page where a behaviour is not obvious. Not there: actions authenticate-cognito, authenticate-oidc and
jwt-validation, rule transforms, mutual TLS, targets that are Lambda functions, access logs in S3. One body stands
for the nodes of all zones, so cross-zone balancing is always on. When a target closes a pooled connection under a
client's second or later request, that client's connection ends instead of getting a 502.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

#: Where the rendered files lie inside the body, and the sockets that HAProxy makes there.
CONFIGURATION = "/run/slipway/haproxy.cfg"
CERTIFICATES = "/run/slipway"
ADMIN_SOCKET = "/run/alb.sock"
MASTER_SOCKET = "/run/alb-master.sock"

TargetState = Literal["initial", "healthy", "unhealthy", "draining", "unused", "unavailable"]

DEFAULT_IDLE_TIMEOUT = 60
#: "the load balancer failed to establish a connection to the target before the connection timeout expired (10
#: seconds)", https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
CONNECT_TIMEOUT = 10

#: How the load balancer calls itself in answers of its own.
SERVER = "awselb/2.0"


class UnsupportedError(ValueError):
    """The load balancer uses something that this data plane does not have; the text says what."""


@dataclass(frozen=True)
class Target:
    """A registered target. `address` is where it is reached, `id` what it is registered as."""

    id: str
    address: str
    port: int
    state: TargetState

    @property
    def server(self) -> str:
        """The name of the target within its backend."""
        return f"{self.id}:{self.port}".replace("/", "_")


@dataclass(frozen=True)
class TargetGroup:
    """`attributes` as DescribeTargetGroupAttributes returns them (all values are strings)."""

    arn: str
    name: str
    protocol: str = "HTTP"
    protocol_version: str = "HTTP1"
    attributes: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()

    @property
    def backend(self) -> str:
        """The name of the group's backend."""
        return f"tg-{self.name}"

    @property
    def deregistration_delay(self) -> int:
        """Seconds for which a deregistered target may finish what it has."""
        return _number(self.attributes.get("deregistration_delay.timeout_seconds"), 300)


@dataclass(frozen=True)
class Rule:
    """A listener rule; `conditions` (none in the default rule) and `actions` as DescribeRules returns them."""

    priority: str
    actions: Sequence[Mapping[str, Any]]
    conditions: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Listener:
    """`rules` end with the default one. `certificates` are files below CERTIFICATES, the default one first."""

    port: int
    protocol: str
    rules: tuple[Rule, ...]
    ssl_policy: str = ""
    certificates: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadBalancer:
    """`attributes` as DescribeLoadBalancerAttributes returns them; `target_groups` are those its rules name."""

    name: str
    listeners: tuple[Listener, ...]
    target_groups: tuple[TargetGroup, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def idle_timeout(self) -> int:
        """Seconds."""
        return int(self.attributes.get("idle_timeout.timeout_seconds", DEFAULT_IDLE_TIMEOUT))


# -- routing -----------------------------------------------------------------------------------------------


def eligible(group: TargetGroup) -> frozenset[str]:
    """The names of the servers that get new requests.

    While fewer targets are healthy than the group's attributes ask for (one, unless they say more), all that
    are registered get requests, whatever their health: the load balancer "fails open".
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health.html
    """
    registered = [t for t in group.targets if t.state not in ("draining", "unused")]
    healthy = [t for t in registered if t.state in ("healthy", "unavailable")]
    prefix = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    count = _number(group.attributes.get(f"{prefix}.count"), 1)
    percentage = _number(group.attributes.get(f"{prefix}.percentage"), 0)
    enough = len(healthy) >= max(1, count) and len(healthy) * 100 >= percentage * len(registered)
    return frozenset(target.server for target in (healthy if enough else registered))


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def server_states(balancer: LoadBalancer) -> dict[tuple[str, str], bool]:
    """(backend, server) -> whether it gets new requests, for the socket of a HAProxy that already runs."""
    return {
        (group.backend, target.server): target.server in eligible(group)
        for group in balancer.target_groups
        for target in _rendered(group)
    }


def structure(configuration: str) -> str:
    """The configuration without what the runtime socket can change: when this differs, a reload is due."""
    return re.sub(r" disabled$", "", configuration, flags=re.MULTILINE)


def _rendered(group: TargetGroup) -> list[Target]:
    return [target for target in group.targets if target.state != "unused"]


# -- the whole ---------------------------------------------------------------------------------------------


def configuration(balancer: LoadBalancer) -> str:
    """The HAProxy configuration of the load balancer.

    Raises UnsupportedError when a rule uses what this data plane does not have.
    """
    groups = {group.arn: group for group in balancer.target_groups}
    sections = [_global(balancer), _defaults(balancer)]
    sections += [_frontend(balancer, listener, groups) for listener in balancer.listeners]
    sections += [_backend(balancer, group) for group in balancer.target_groups]
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _global(balancer: LoadBalancer) -> list[str]:
    delays = [group.deregistration_delay for group in balancer.target_groups]
    return [
        f"# Application Load Balancer {balancer.name}. Written by the rehearsal: changes here are lost.",
        "global",
        f"    stats socket {ADMIN_SOCKET} mode 600 level admin expose-fd listeners",
        "    log stdout format raw local0 info",
        # Request line and headers: 16 KiB a line, 64 KiB in total.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
        "    tune.bufsize 69632",
        "    tune.maxrewrite 4096",
        "    tune.http.maxhdr 512",
        # A worker of before a reload may finish what it has for as long as a target may drain.
        f"    hard-stop-after {max([*delays, balancer.idle_timeout]) + 5}s",
    ]


def _defaults(balancer: LoadBalancer) -> list[str]:
    idle = balancer.idle_timeout
    return [
        "defaults",
        "    mode http",
        "    log global",
        '    log-format "%[unique-id] %ci:%cp %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %ts %{+Q}r"',
        '    unique-id-format "1-%[date,hex,bytes(8,8),lower]-%[uuid(4),regsub(-,,g),bytes(0,24)]"',
        "    option dontlognull",
        # The idle timeout covers both sides of a connection, web sockets too.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#connection-idle-timeout
        f"    timeout client {idle}s",
        f"    timeout http-request {idle}s",
        f"    timeout http-keep-alive {idle}s",
        f"    timeout server {idle}s",
        f"    timeout tunnel {idle}s",
        f"    timeout connect {CONNECT_TIMEOUT}s",
        # A request goes to one target, once: what fails there is the client's to repeat.
        "    retries 0",
        "    no option redispatch",
        # Connections to targets are pooled across clients, so a target whose keep-alive is shorter than the
        # idle timeout can close one just when the next request is sent: the 502 that AWS shows too.
        "    http-reuse always",
        # A client's idle connection survives a reload for one more request.
        "    option idle-close-on-response",
        *(_error(status) for status in (400, 408, 500, 502, 504)),
        # HAProxy says 503 when it has no connection; AWS says 502, or 504 after the connect timeout (see
        # _no_connection). Its page is always that of 502: an lf-string here crashes HAProxy 3.0.11.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
        _error(503, page_of=502),
    ]


def _reason(status: int) -> str:
    return {408: "Request Time-out", 504: "Gateway Time-out"}.get(status, HTTPStatus(status).phrase)


def _page(title: str) -> str:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "</body>\r\n</html>\r\n"
    )


def _error(status: int, *, page_of: int | None = None) -> str:
    shown = page_of or status
    page = _quote(_page(f"{shown} {_reason(shown)}"))
    return f"    http-error status {status} content-type text/html string {page} hdr Server {SERVER}"


def _quote(text: str) -> str:
    """One word of HAProxy's configuration, whatever is in the text."""
    escapes = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(escapes.get(character, character) for character in text) + '"'


def _literal(text: str) -> str:
    """Text within a log-format string, where a percent sign would begin an expression."""
    return text.replace("%", "%%")


# -- listeners ---------------------------------------------------------------------------------------------


def _frontend(balancer: LoadBalancer, listener: Listener, groups: Mapping[str, TargetGroup]) -> list[str]:
    lines = [f"frontend listener-{listener.port}", f"    bind :{listener.port}{_tls(balancer, listener)}"]
    lines += _response_headers(listener)
    forwards: list[str] = []
    for index, rule in enumerate(listener.rules):
        matches = _conditions(rule, index, lines)
        # Rules are tried in order of their priority; the first that matches decides.
        unless_found = ["!{ var(txn.rule) -m found }"] if index else []
        guard = " ".join([*unless_found, *matches])
        lines.append(f"    http-request set-var(txn.rule) int({index})" + (f" if {guard}" if guard else ""))
    # Conditions look at what the client sent, so the headers change after them.
    lines += _request_headers(balancer, listener)
    for index, rule in enumerate(listener.rules):
        _actions(rule, index, listener, groups, lines, forwards)
    return lines + forwards


#: Cipher suites of TLS 1.2 that the policies offer besides those of TLS 1.3.
#: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
_GCM = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
)
_CBC = "ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"


def tls_versions(policy: str) -> tuple[str, str]:
    """The lowest and the highest TLS version of a security policy, by its name."""
    if found := re.search(r"TLS13-1-([0-3])", policy):
        return f"TLSv1.{found[1]}", "TLSv1.3"
    if found := re.search(r"(?:TLS|FS)-1-([0-2])", policy):
        return f"TLSv1.{found[1]}", "TLSv1.2"
    return "TLSv1.0", "TLSv1.2"


def _ciphers(policy: str) -> str:
    minimum, _ = tls_versions(policy)
    if minimum in ("TLSv1.0", "TLSv1.1"):
        # OpenSSL of Debian 13 refuses these versions above security level 0.
        return "DEFAULT:@SECLEVEL=0"
    if "Res" in policy:
        return _GCM
    extended = ":AES128-GCM-SHA256:AES128-SHA256:AES256-GCM-SHA384:AES256-SHA256"
    old = ":ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES256-SHA"
    suffix = {"Ext1": extended, "Ext2": f"{old}{extended}:AES128-SHA:AES256-SHA"}
    return f"{_GCM}:{_CBC}" + next((more for mark, more in suffix.items() if mark in policy), "")


def _tls(balancer: LoadBalancer, listener: Listener) -> str:
    if listener.protocol != "HTTPS":
        return ""
    if not listener.certificates:
        raise UnsupportedError(f"the HTTPS listener on port {listener.port} has no certificate")
    minimum, maximum = tls_versions(listener.ssl_policy)
    http2 = balancer.attributes.get("routing.http2.enabled", "true") == "true"
    return (
        " ssl"
        # The first is the default one; the others answer by server name.
        + "".join(f" crt {CERTIFICATES}/{name}" for name in listener.certificates)
        + f" ssl-min-ver {minimum} ssl-max-ver {maximum} ciphers {_ciphers(listener.ssl_policy)}"
        + f" alpn {'h2,http/1.1' if http2 else 'http/1.1'}"
    )


def _request_headers(balancer: LoadBalancer, listener: Listener) -> list[str]:
    attributes = balancer.attributes

    def enabled(name: str) -> bool:
        return attributes.get(name, "false") == "true"

    lines: list[str] = []
    if enabled("routing.http.drop_invalid_header_fields.enabled"):
        lines.append(f"    http-request del-header {_quote('[^-A-Za-z0-9]')} -m reg")
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    client = "%[src]:%[src_port]" if enabled("routing.http.xff_client_port.enabled") else "%[src]"
    match attributes.get("routing.http.xff_header_processing.mode", "append"):
        case "append":
            one = "{ req.fhdr_cnt(x-forwarded-for) eq 1 }"
            lines += [
                f'    http-request set-header X-Forwarded-For "%[req.fhdr(x-forwarded-for)], {client}" if {one}',
                f'    http-request add-header X-Forwarded-For "{client}" unless {one}',
            ]
        case "remove":
            lines.append("    http-request del-header X-Forwarded-For")
    lines += [
        f"    http-request set-header X-Forwarded-Proto {listener.protocol.lower()}",
        f"    http-request set-header X-Forwarded-Port {listener.port}",
        *_trace_id(),
    ]
    if listener.protocol == "HTTPS" and enabled("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"):
        lines += [
            "    http-request set-header X-Amzn-Tls-Version %[ssl_fc_protocol]",
            "    http-request set-header X-Amzn-Tls-Cipher-Suite %[ssl_fc_cipher]",
        ]
    if not enabled("routing.http.preserve_host_header.enabled"):
        # The port is appended where it is not the scheme's own, and taken off where it is.
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html#host-header-preservation
        host = "%[req.hdr(host),host_only]"
        if listener.port in (80, 443):
            redundant = f"{{ req.hdr(host),port_only eq {listener.port} }}"
            lines.append(f"    http-request set-header Host {host} if {redundant}")
        else:
            lines.append(
                f"    http-request set-header Host {host}:{listener.port}"
                " if { req.hdr(host) -m found } { req.hdr(host),port_only eq 0 }"
            )
    return lines


def _trace_id() -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html"""
    header = "req.fhdr(x-amzn-trace-id)"
    without_self = "regsub(^Self=[^;]*;?,,i),regsub(;Self=[^;]*,,i)"
    rooted = f"{{ {header} -m sub -i root= }}"
    return [
        f'    http-request set-header X-Amzn-Trace-Id "Self=%[unique-id];%[{header},{without_self}]" if {rooted}',
        f'    http-request set-header X-Amzn-Trace-Id "Root=%[unique-id]" unless {rooted}',
    ]


_RESPONSE_HEADERS = {
    "routing.http.response.strict_transport_security.header_value": "Strict-Transport-Security",
    "routing.http.response.access_control_allow_origin.header_value": "Access-Control-Allow-Origin",
    "routing.http.response.access_control_allow_methods.header_value": "Access-Control-Allow-Methods",
    "routing.http.response.access_control_allow_headers.header_value": "Access-Control-Allow-Headers",
    "routing.http.response.access_control_allow_credentials.header_value": "Access-Control-Allow-Credentials",
    "routing.http.response.access_control_expose_headers.header_value": "Access-Control-Expose-Headers",
    "routing.http.response.access_control_max_age.header_value": "Access-Control-Max-Age",
    "routing.http.response.content_security_policy.header_value": "Content-Security-Policy",
    "routing.http.response.x_content_type_options.header_value": "X-Content-Type-Options",
    "routing.http.response.x_frame_options.header_value": "X-Frame-Options",
}


def _response_headers(listener: Listener) -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html"""
    lines = [
        f"    http-after-response set-header {header} {_quote(_literal(listener.attributes[key]))}"
        for key, header in _RESPONSE_HEADERS.items()
        if listener.attributes.get(key)
    ]
    if listener.attributes.get("routing.http.response.server.enabled", "true") == "false":
        lines.append("    http-after-response del-header Server")
    return lines


# -- conditions --------------------------------------------------------------------------------------------


def pattern(wildcards: str, *, one: str = ".", escapes: bool = False) -> str:
    """A regular expression for AWS's wildcards: `*` is any run of characters, `?` exactly one.

    `one` is the expression for a character that a wildcard may stand for; with `escapes`, a backslash takes
    the meaning from the character after it.
    """
    out: list[str] = []
    characters = iter(wildcards)
    for character in characters:
        if character == "*":
            out.append(f"{one}*")
        elif character == "?":
            out.append(one)
        elif character == "\\" and escapes:
            out.append(_escape(next(characters, "\\")))
        else:
            out.append(_escape(character))
    return "".join(out)


def _escape(character: str) -> str:
    # Only what PCRE gives a meaning: re.escape would also escape characters for which PCRE wants none.
    return "\\" + character if character in r".^$*+?()[]{}|\/-" else character


def query_pattern(key: str | None, value: str) -> str:
    """A regular expression on a whole query string; without a key, any parameter may have the value.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html#query-string-conditions
    """
    if key is None:
        return f"(^|&)([^&=]*=)?{pattern(value, one='[^&=]', escapes=True)}(&|$)"
    name, wanted = (pattern(text, one="[^&]", escapes=True) for text in (key, value))
    return f"(^|&){name}={wanted}(&|$)"


def _condition(condition: Mapping[str, Any]) -> list[str]:
    """The alternatives of one condition, each an expression of an ACL."""
    kind = condition["Field"]

    def values(key: str) -> Iterable[str]:
        found: Iterable[str] = condition.get(key, {}).get("Values") or condition.get("Values", ())
        return found

    def expressions(key: str) -> Iterable[str]:
        return [
            *condition.get(key, {}).get("RegexValues", ()),
            *(f"^{pattern(value, escapes=kind == 'http-header')}$" for value in values(key)),
        ]

    match kind:
        case "host-header":
            return [f"req.hdr(host),host_only -m reg -i -- {_quote(e)}" for e in expressions("HostHeaderConfig")]
        case "path-pattern":
            return [f"path -m reg -- {_quote(e)}" for e in expressions("PathPatternConfig")]
        case "http-header":
            name = condition["HttpHeaderConfig"]["HttpHeaderName"]
            return [f"req.fhdr({name}) -m reg -i -- {_quote(e)}" for e in expressions("HttpHeaderConfig")]
        case "http-request-method":
            return [f"method -m str -- {_quote(value)}" for value in values("HttpRequestMethodConfig")]
        case "query-string":
            pairs = condition["QueryStringConfig"]["Values"]
            return [f"query -m reg -i -- {_quote(query_pattern(p.get('Key'), p['Value']))}" for p in pairs]
        case "source-ip":
            # The peer of the connection, never X-Forwarded-For.
            return [f"src -m ip -- {value}" for value in values("SourceIpConfig")]
    raise UnsupportedError(f"rule condition {kind}")


def _conditions(rule: Rule, index: int, lines: list[str]) -> list[str]:
    """Write the ACLs of a rule and return their names: all must hold."""
    names: list[str] = []
    for number, condition in enumerate(rule.conditions):
        name = f"rule-{index}-{number}"
        names.append(name)
        lines += [f"    acl {name} {expression}" for expression in _condition(condition)]
    return names


# -- actions -----------------------------------------------------------------------------------------------


def _actions(
    rule: Rule,
    index: int,
    listener: Listener,
    groups: Mapping[str, TargetGroup],
    lines: list[str],
    forwards: list[str],
) -> None:
    chosen = f"{{ var(txn.rule) -m int {index} }}"
    if len(rule.actions) != 1:
        kinds = ", ".join(action["Type"] for action in rule.actions)
        raise UnsupportedError(f"rule {rule.priority} has several actions: {kinds}")
    action = rule.actions[0]
    match action["Type"]:
        case "forward":
            _forward(action, chosen, listener, groups, lines, forwards)
        case "redirect":
            lines += _redirect(action["RedirectConfig"], listener, chosen)
        case "fixed-response":
            lines.append(_fixed_response(action["FixedResponseConfig"], chosen))
        case kind:
            raise UnsupportedError(f"rule {rule.priority} has the action {kind}")


def _fixed_response(answer: Mapping[str, Any], chosen: str) -> str:
    body = answer.get("MessageBody") or ""
    kind = answer.get("ContentType") or "text/plain"
    payload = f" content-type {_quote(kind)} string {_quote(body)}" if body else ""
    return f"    http-request return status {answer['StatusCode']}{payload} hdr Server {SERVER} if {chosen}"


def _redirect(redirect: Mapping[str, Any], listener: Listener, chosen: str) -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#redirect-actions"""
    status = int(str(redirect["StatusCode"]).removeprefix("HTTP_"))
    page = _quote(_page(f"{status} {_reason(status)}"))
    protocol = _expand(redirect.get("Protocol") or "#{protocol}", listener).lower()
    place = f"{redirect.get('Host') or '#{host}'}:{redirect.get('Port') or '#{port}'}"
    url = f"{protocol}://{_expand(place + (redirect.get('Path') or '/#{path}'), listener)}"
    query = redirect.get("Query", "#{query}")

    def answer(location: str, condition: str = "") -> str:
        return (
            f"    http-request return status {status} content-type text/html string {page}"
            f" hdr Server {SERVER} hdr Location {_quote(location)} if {chosen}{condition}"
        )

    if not query:
        return [answer(url)]
    whole = f"{url}?{_expand(query, listener)}"
    if query == "#{query}":
        # A request without a query is redirected without a question mark.
        return [answer(whole, " { query -m len gt 0 }"), answer(url)]
    return [answer(whole)]


def _expand(template: str, listener: Listener) -> str:
    """AWS's placeholders (the path comes without its leading slash) as a log-format string."""
    expressions = {
        "host": "%[req.hdr(host),host_only]",
        "path": "%[path,regsub(^/,)]",
        "port": str(listener.port),
        "protocol": listener.protocol,
        "query": "%[query]",
    }
    first, *rest = re.split(r"#\{(host|path|port|protocol|query)\}", template)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return _literal(first) + "".join(expressions[name] + _literal(text) for name, text in pairs)


def group_cookie(arn: str) -> str:
    """The value of the AWSALBTG cookie that stands for a target group."""
    return hashlib.sha256(arn.encode()).hexdigest()[:32]


def _forward(
    action: Mapping[str, Any],
    chosen: str,
    listener: Listener,
    groups: Mapping[str, TargetGroup],
    lines: list[str],
    forwards: list[str],
) -> None:
    config = action.get("ForwardConfig") or {}
    tuples = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    weighted = [(groups[entry["TargetGroupArn"]], int(entry.get("Weight", 1) or 0)) for entry in tuples]
    if len(weighted) == 1:
        forwards.append(f"    use_backend {weighted[0][0].backend} if {chosen}")
        return
    total = sum(weight for _, weight in weighted)
    if not total:
        # "If all target groups have weight 0, requests get 503."
        lines.append(_unavailable(chosen))
        return
    sticky = (config.get("TargetGroupStickinessConfig") or {}).get("Enabled", False)
    if sticky:
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-action-types.html#forward-actions
        seconds = config["TargetGroupStickinessConfig"].get("DurationSeconds", 3600)
        for group, _ in weighted:
            kept = f"{{ req.cook(AWSALBTG) -m str {group_cookie(group.arn)} }}"
            forwards.append(f"    use_backend {group.backend} if {chosen} {kept}")
            came_from = f"{{ var(txn.backend) -m str {group.backend} }}"
            lines += _cookies(
                ("AWSALBTG", "AWSALBTGCORS"),
                group_cookie(group.arn),
                seconds,
                listener.protocol == "HTTPS",
                f"{chosen} {came_from}",
            )
    lines.append(f"    http-request set-var(txn.pick) rand({total}) if {chosen}")
    bound = 0
    for group, weight in weighted:
        bound += weight
        if weight:
            forwards.append(f"    use_backend {group.backend} if {chosen} {{ var(txn.pick) -m int lt {bound} }}")


def _cookies(names: Sequence[str], value: str, seconds: int, secure: bool, condition: str = "") -> list[str]:
    """The cookies that ALB sets: the first as ever, a second one that may travel across sites."""
    when = f" if {condition}" if condition else ""
    across_sites = "; SameSite=None" + ("; Secure" if secure else "")
    expires = f"Expires=%[date({seconds}),http_date]; Path=/"
    return [
        f'    http-response add-header Set-Cookie "{name}={value}; {expires}{across_sites if second else ""}"{when}'
        for second, name in enumerate(names)
    ]


def _unavailable(condition: str) -> str:
    page = _quote(_page("503 Service Temporarily Unavailable"))
    answer = f"status 503 content-type text/html string {page} hdr Server {SERVER}"
    return f"    http-request return {answer} if {condition}"


# -- target groups -----------------------------------------------------------------------------------------

#: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
_ALGORITHMS = {
    "round_robin": "roundrobin",
    "least_outstanding_requests": "leastconn",
    "weighted_random": "random(1)",
}


def server_cookie(server: str) -> str:
    """The value of the stickiness cookie that stands for a server; HAProxy computes the same."""
    return hashlib.sha1(server.encode(), usedforsecurity=False).hexdigest().upper()


def _backend(balancer: LoadBalancer, group: TargetGroup) -> list[str]:
    attributes = group.attributes
    algorithm = attributes.get("load_balancing.algorithm.type", "round_robin")
    if algorithm not in _ALGORITHMS:
        raise UnsupportedError(f"load_balancing.algorithm.type {algorithm} of target group {group.name}")
    lines = [f"backend {group.backend}", f"    balance {_ALGORITHMS[algorithm]}"]
    targets = _rendered(group)
    eligible_servers = eligible(group)
    lines += [
        # "no registered targets, or all of the registered targets are in an unused state"
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
        "    http-request set-var(txn.answered) bool(true) if { nbsrv eq 0 }",
        _unavailable("{ nbsrv eq 0 }"),
        f"    http-request set-var(txn.backend) str({group.backend})",
        "    http-response set-var(txn.answered) bool(true)",
        *_no_connection(),
    ]
    lines += _stickiness(group, targets, balancer)
    slow_start = _number(attributes.get("slow_start.duration_seconds"), 0)
    options = f" slowstart {slow_start}s" if slow_start else ""
    options += f" pool-purge-delay {balancer.idle_timeout}s"
    if group.protocol == "HTTPS":
        # "The load balancer does not validate these certificates."
        # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
        options += " ssl verify none"
    if group.protocol_version in ("HTTP2", "GRPC"):
        options += " alpn h2" if group.protocol == "HTTPS" else " proto h2"
    for target in targets:
        off = "" if target.server in eligible_servers else " disabled"
        lines.append(f"    server {target.server} {target.address}:{target.port}{options}{off}")
    return lines


def _no_connection() -> list[str]:
    internal = "{ status 503 } !{ var(txn.answered) -m found }"
    return [
        '    http-after-response set-status 504 reason "Gateway Time-out"'
        f" if {internal} {{ txn.sess_term_state -m beg sC }}",
        f'    http-after-response set-status 502 reason "Bad Gateway" if {internal}',
    ]


def _stickiness(group: TargetGroup, targets: Sequence[Target], balancer: LoadBalancer) -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/sticky-sessions.html"""
    attributes = group.attributes
    if attributes.get("stickiness.enabled", "false") != "true":
        return []
    secure = any(listener.protocol == "HTTPS" for listener in balancer.listeners)
    if attributes.get("stickiness.type") == "app_cookie":
        names: tuple[str, ...] = ("AWSALBAPP-0",)
        seconds = _number(attributes.get("stickiness.app_cookie.duration_seconds"), 86400)
        condition = f"{{ res.cook({attributes['stickiness.app_cookie.cookie_name']}) -m found }}"
        cookies = _cookies(names, "%[srv_name,sha1,hex]", seconds, secure, condition)
    else:
        names = ("AWSALB", "AWSALBCORS")
        seconds = _number(attributes.get("stickiness.lb_cookie.duration_seconds"), 86400)
        cookies = _cookies(names, "%[srv_name,sha1,hex]", seconds, secure)
    # use-server is passed over when that server gets no requests, so a sticky client moves to another target.
    return cookies + [
        f"    use-server {target.server} if {{ req.cook({name}) -m str {server_cookie(target.server)} }}"
        for name in names
        for target in targets
    ]
