"""The typed door to amazon.aws: the only file that imports its module_utils.

What is used of it: ``AnsibleAWSModule`` (credentials, region, endpoint, check mode), ``AWSRetry`` (jittered backoff
by error code) and ``AnsibleAWSError`` (an exception with one sentence in front of AWS's own words).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NoReturn, Protocol, cast

from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError  # type: ignore[import-untyped]
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule  # type: ignore[import-untyped]
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import (
    Fields,
    RefusalError,
    Resource,
    converge,
    outcome_as_result,
)

# What the services that we call answer when they are busy, beside AWSRetry's own list. PriorRequestNotComplete:
# https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html (CloudFront says it too).
BUSY = (
    "ThrottlingException",
    "TooManyRequests",
    "RequestThrottled",
    "PriorRequestNotComplete",
    "RequestTimeout",
)

# How often a call is made that names what AWS made a moment ago. The pauses of 1, 2, 4, 8 and then 10 s come to 105 s.
SPREADING_ATTEMPTS = 14
SPREADING_PAUSE = 10

AWSError = cast(type[Exception], AnsibleAWSError)


class Module(Protocol):
    """As much of AnsibleAWSModule as a Slipway module touches."""

    check_mode: bool

    @property
    def params(self) -> Fields: ...

    @property
    def region(self) -> str: ...

    def client(self, service: str, **options: Any) -> Any: ...

    def exit_json(self, **result: object) -> NoReturn: ...

    def warn(self, warning: str) -> None: ...

    def fail_json(self, **result: object) -> NoReturn: ...

    def fail_json_aws_error(self, exception: Exception) -> NoReturn: ...


STATE_ARGUMENTS: Fields = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
TAG_ARGUMENTS: Fields = {
    "tags": {"type": "dict", "aliases": ["resource_tags"]},
    "purge_tags": {"type": "bool", "default": True},
}


def aws_module(argument_spec: Fields, **constraints: Any) -> Module:
    """A module with the options of amazon.aws (region, credentials, endpoint) and check mode."""
    return cast(Module, AnsibleAWSModule(argument_spec=argument_spec, supports_check_mode=True, **constraints))


class Api:
    """One AWS service: every call retried while AWS is busy, every error one sentence, nothing about resources."""

    def __init__(self, client: Any, *, retries: int = 8, delay: float = 1) -> None:
        """``client``: a boto3 client. ``delay``: seconds before the first retry at most; it doubles, up to 30 s."""
        self.client = client
        self._retries = retries
        self._delay = delay

    def call(
        self,
        doing: str,
        operation: str,
        /,
        *,
        retry_on: Collection[str] = (),
        spreading: Collection[str] = (),
        **parameters: Any,
    ) -> Fields:
        """Call ``operation`` (boto3's name); ``doing`` completes the sentence "Failed to …".

        ``spreading``: codes with which AWS refuses what names something that it made a moment ago, until word of it has
        spread. Such a call has a patience that can be told in seconds, which jitter does not have.

        Raises AnsibleAWSError.
        """
        codes = [*BUSY, *retry_on, *spreading]
        if spreading:
            backoff = AWSRetry.exponential_backoff(
                retries=SPREADING_ATTEMPTS,
                delay=self._delay,
                max_delay=SPREADING_PAUSE,
                catch_extra_error_codes=codes,
            )
        else:
            backoff = AWSRetry.jittered_backoff(
                retries=self._retries, delay=self._delay, max_delay=30, catch_extra_error_codes=codes
            )
        method = cast(Callable[..., Fields], backoff(getattr(self.client, operation)))
        return self._in_words(doing, lambda: method(**parameters))

    def call_if_exists(
        self,
        doing: str,
        operation: str,
        /,
        *,
        missing: Collection[str],
        retry_on: Collection[str] = (),
        **parameters: Any,
    ) -> Fields | None:
        """The same, but None when AWS answers with one of the error codes ``missing``."""
        try:
            return self.call(doing, operation, retry_on=retry_on, **parameters)
        except AWSError as error:
            if error_code(error) in missing:
                return None
            raise

    def pages(self, doing: str, operation: str, items: str, /, **parameters: Any) -> list[Fields]:
        """All items of a paginated list; ``items`` is a dotted path into the answer."""
        if self.client.can_paginate(operation):
            paginate = self.client.get_paginator(operation).paginate
            backoff = AWSRetry.jittered_backoff(
                retries=self._retries, delay=self._delay, max_delay=30, catch_extra_error_codes=list(BUSY)
            )
            whole = cast(Callable[[], Fields], backoff(lambda: paginate(**parameters).build_full_result()))
            return at(self._in_words(doing, whole), items) or []
        return list(self._marked_pages(doing, operation, items, parameters))

    def _marked_pages(self, doing: str, operation: str, items: str, parameters: Fields) -> Iterator[Fields]:
        """CloudFront's lists for which botocore has no paginator: ``{XList: {NextMarker, Items}}``."""
        marker: Fields = {}
        while True:
            page = self.call(doing, operation, **parameters, **marker)
            yield from at(page, items) or []
            following = at(page, f"{items.split('.', 1)[0]}.NextMarker")
            if not following:
                return
            marker = {"Marker": following}

    def check(self, operation: str, /, **parameters: Any) -> None:
        """Hold a request against the service's own model without sending it, so that check mode refuses it as well.

        Raises RefusalError with botocore's report.
        """
        from botocore.validate import ParamValidator

        method = self.client.meta.method_to_api_mapping[operation]
        shape = self.client.meta.service_model.operation_model(method).input_shape
        report = ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise RefusalError(f"AWS would not take this {method} request: {report.generate_report()}")

    def _in_words(self, doing: str, action: Callable[[], Fields]) -> Fields:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return action()
        except (ClientError, BotoCoreError) as error:
            raise AnsibleAWSError(message=f"Failed to {doing}", exception=error) from error


def at(value: Any, path: str) -> Any:
    """The member at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def error_code(error: Exception) -> str | None:
    """AWS's error code inside an AnsibleAWSError, or None."""
    response = getattr(getattr(error, "exception", None), "response", None)
    code = at(response, "Error.Code")
    return code if isinstance(code, str) else None


def run(module: Module, resource: Resource) -> NoReturn:
    """Converge and answer; a refusal or an error of AWS becomes the one sentence of the failed task."""
    try:
        outcome = converge(
            resource,
            # What is never deleted alone has no such option.
            state=module.params.get("state", "present"),
            check_mode=module.check_mode,
            wait=bool(module.params.get("wait", True)),
        )
        module.exit_json(**outcome_as_result(outcome, resource))
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)
