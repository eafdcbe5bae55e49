#!/usr/bin/python
"""Ansible module: what is live of an environment, against what was written down after the last converge."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: stack_survey
version_added: 0.1.0
short_description: Look at everything that an environment has, and compare it with the last record
description:
  - Reads every kind of resource that the layers make, with concurrent calls that write nothing.
  - Resources are known by the beginning of their names, so that one that a hand has added is seen too.
  - The record is an object in a bucket of the environment's own account. It holds no secret, but what is built from it
    is trusted like the account itself.
  - With O(record_layers) it looks at those layers alone, and writes them down as they are now; the others stay as
    recorded.
author: Slipway
options:
  name:
    description: With what the names of the environment's resources begin, V(slipway-staging).
    type: str
    required: true
  account_id:
    description: The account.
    type: str
    required: true
  buckets:
    description: Names of the environment's buckets.
    type: list
    elements: str
    default: []
  site_bucket:
    description: The one of them that CloudFront reads.
    type: str
    default: ""
  zone:
    description: Hosted zone of the domains.
    type: str
    default: ""
  site_domain:
    description: What users ask for.
    type: str
    default: ""
  origin_domain:
    description: What CloudFront asks.
    type: str
    default: ""
  moving_parameters:
    description: Parameters below these paths are written by releases, so that their values are nobody's drift.
    type: list
    elements: str
    default: []
  reader:
    description:
      - Digest of what reads. A record that was read in another way is not compared with.
      - So is one that another version of botocore has read, which knows other members.
    type: str
    default: ""
  record_bucket:
    description: The bucket that holds the record. It may not exist yet.
    type: str
    required: true
  record_key:
    description: The object.
    type: str
    default: stack/survey.json
  record_layers:
    description:
      - The layers that have converged, each with the digest of its inputs and the facts that it returned, as
        C({storage{:} {inputs{:} abc, results{:} {}}}).
    type: dict
  seen:
    description:
      - The drift before those layers converged, as O(record_layers=None) returned it.
      - What of it is still so in a layer whose inputs are those of the record, nobody looks after. It is not taken for
        what was meant, but stays drift, and a warning names it.
    type: list
    elements: dict
    default: []
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Reads, and says whether the record would change.
  diff_mode:
    support: none
    description: The record is no resource.
"""

EXAMPLES = r"""
- name: Look at staging
  slipway.aws.stack_survey:
    name: slipway-staging
    account_id: "123456789012"
    buckets: [slipway-staging-123456789012-releases]
    record_bucket: slipway-staging-123456789012-releases
  register: survey

- name: Say what was changed by hand
  ansible.builtin.debug:
    msg: "{{ survey.drift }}"
"""

RETURN = r"""
resources:
  description: How many resources each layer has.
  returned: always
  type: dict
  sample: {network: 22, storage: 7}
settled:
  description: Layers that are, in every field, as they were recorded.
  returned: always
  type: list
  elements: str
drift:
  description: What was changed since the record by somebody else.
  returned: always
  type: list
  elements: dict
  contains:
    layer:
      description: The layer.
      type: str
    resource:
      description: Type and name.
      type: str
      sample: "AWS::EC2::SecurityGroup slipway-staging-web"
    kind:
      description: V(changed), V(missing) or V(unexpected).
      type: str
    field:
      description: Dotted path; empty for the whole resource.
      type: str
    recorded:
      description: The value that was recorded.
      type: raw
    live:
      description: The value that is live.
      type: raw
unread:
  description: What could not be read, by layer.
  returned: always
  type: dict
  sample: {budget: ["budgets:describe_budgets: AccessDenied"]}
record:
  description: The last record without the resources.
  returned: always
  type: dict
  contains:
    at:
      description: When it was written, in ISO 8601; empty when there is none that can be used.
      type: str
    inputs:
      description: Digests of the layers' inputs.
      type: dict
    results:
      description: The facts that the layers returned.
      type: dict
"""

import json
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.survey import (
    Account,
    Difference,
    Fields,
    Picture,
    Resources,
    Stack,
    SurveyError,
    as_meant,
    drift,
    take,
)
from ansible_collections.slipway.aws.plugins.module_utils.survey_sources import SOURCES

_STACK_ARGUMENTS: Fields = {
    "name": {"type": "str", "required": True},
    "account_id": {"type": "str", "required": True},
    "buckets": {"type": "list", "elements": "str", "default": []},
    "site_bucket": {"type": "str", "default": ""},
    "zone": {"type": "str", "default": ""},
    "site_domain": {"type": "str", "default": ""},
    "origin_domain": {"type": "str", "default": ""},
    "moving_parameters": {"type": "list", "elements": "str", "default": []},
}
ARGUMENTS: Fields = {
    **_STACK_ARGUMENTS,
    "reader": {"type": "str", "default": ""},
    "record_bucket": {"type": "str", "required": True},
    "record_key": {"type": "str", "default": "stack/survey.json", "no_log": False},
    "record_layers": {"type": "dict"},
    "seen": {"type": "list", "elements": "dict", "default": []},
}

_UNREAD = (
    "[not-recorded] What has become of the layer {layer} could not be read, and it stays recorded as it was: {reason}"
)
_UNMENDED = (
    "[not-put-back] {resource} ({field}) was changed by hand, and the layer {layer} does not look after it. "
    "playbooks/drift.yml goes on to name it until somebody puts it back; -e slipway_full=true takes it for what is "
    "meant."
)


_MEMBERS = frozenset({"inputs", "results", "resources"})


class Record:
    """The object that holds ``{reader, at, layers: {layer: {inputs, results, resources}}}``."""

    def __init__(self, account: Account, bucket: str, key: str, reader: str) -> None:
        import botocore

        self._where = {"Bucket": bucket, "Key": key}
        self._account = account
        self._reader = f"{reader} botocore {botocore.__version__}"
        self.at = ""
        self.layers: dict[str, Fields] = {}

    def read(self) -> None:
        """A record that is not there, or was read in another way, is an empty one. Raises SurveyError."""
        body = self._account.ask("s3", "get_object", "Body", missing=("NoSuchKey", "NoSuchBucket"), **self._where)
        if body is None:
            return
        try:
            content = json.loads(body.read())
            if content["reader"] == self._reader and all(map(_MEMBERS.issubset, content["layers"].values())):
                self.at, self.layers = content["at"], content["layers"]
        except (ValueError, KeyError, TypeError, AttributeError):
            # Whatever it is, it says nothing about the account: the next converge writes it anew.
            return

    def write(self, layers: dict[str, Fields]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"reader": self._reader, "at": now, "layers": layers}
        body = json.dumps(content, sort_keys=True).encode()
        self._account.ask("s3", "put_object", Body=body, ContentType="application/json", **self._where)
        self.at, self.layers = now, layers

    def pick(self, member: str) -> Fields:
        return {layer: content[member] for layer, content in self.layers.items()}


def survey(module: Module, account: Account, record: Record) -> Fields:
    """Raises SurveyError when the record can be neither read nor written."""
    converged: Fields | None = module.params["record_layers"]
    sources = [source for source in SOURCES if converged is None or source.layer in converged]
    record.read()
    # Nothing can be compared with a record that is not there, and a stack that is laid for the first time shall not
    # wait for it.
    picture: Picture = take(account, sources if record.layers or converged is not None else [])
    changed = False
    # What has been recorded is read back as JSON says it.
    live = json.loads(json.dumps({name: one for name, one in picture.layers.items() if name not in picture.unread}))
    if converged is not None:
        layers = dict(record.layers)
        for layer, content in converged.items():
            for reason in picture.unread.get(layer, ()):
                module.warn(_UNREAD.format(layer=layer, reason=reason))
            if layer in live:
                resources, left = _as_meant(record.layers.get(layer), content, live[layer], module.params["seen"])
                layers[layer] = {**content, "resources": resources}
                for one in left:
                    module.warn(_UNMENDED.format(resource=one.resource, field=one.field or one.kind, layer=layer))
        layers = json.loads(json.dumps(layers))
        changed = layers != record.layers
        if changed and not module.check_mode:
            record.write(layers)
    recorded = record.pick("resources")
    return {
        "changed": changed,
        "resources": {layer: len(resources) for layer, resources in picture.layers.items()},
        "settled": sorted(layer for layer in live if recorded.get(layer) == live[layer]),
        "drift": [difference.as_dict() for difference in drift(recorded, live)],
        "unread": picture.unread,
        "record": {"at": record.at, "inputs": record.pick("inputs"), "results": record.pick("results")},
    }


def _as_meant(
    recorded: Fields | None, content: Fields, live: Resources, seen: list[Fields]
) -> tuple[Resources, list[Difference]]:
    """Where other inputs, or none that are known, were converged, nobody can say what was meant but the result."""
    if recorded is None or not content["inputs"] or recorded["inputs"] != content["inputs"]:
        return live, []
    return as_meant(recorded["resources"], live, seen)


def _client(module: Module, service: str, region: str) -> Any:
    return module.client(service, region=region)


def main() -> None:
    module = aws_module(ARGUMENTS)
    given = {name: module.params[name] for name in _STACK_ARGUMENTS}
    stack = Stack(region=module.region, **given)
    account = Account(stack, partial(_client, module))
    record = Record(account, module.params["record_bucket"], module.params["record_key"], module.params["reader"])
    try:
        answer = survey(module, account, record)
    except SurveyError as error:
        module.fail_json(msg=f"The survey of {stack.name} failed: {error}")
    finally:
        account.close()
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
