"""snake_case fields to and from AWS's own structures, guided by botocore's model of the service.

CloudFront wraps every list as ``{Quantity, Items}``; here it is a list. The model knows all names and types, so no
table of fields has to be kept: a field that AWS added last week works as soon as botocore knows it.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError, nearest


def snake(member: str) -> str:
    """``HTTPSPort`` → ``https_port``, as botocore's own tools spell it."""
    from botocore import xform_name

    # xform_name reads CloudFront as two words; everybody else, the stock modules included, as one.
    return str(xform_name(member)).replace("cloud_front_", "cloudfront_")


def is_list_wrapper(shape: Any) -> bool:
    """``{Quantity, Items}`` with nothing else to say (``Enabled`` only repeats whether there are any)."""
    names = set(shape.members)
    return {"Quantity", "Items"} <= names and names <= {"Quantity", "Items", "Enabled"}


def to_api(shape: Any, value: Any, path: str = "") -> Any:
    """Fields as the parameter that ``shape`` (a botocore Shape) describes. Nulls are left out.

    Raises RefusalError for a field that the model does not have.
    """
    if shape.type_name == "structure" and is_list_wrapper(shape):
        items = [to_api(shape.members["Items"].member, item, path) for item in value or []]
        wrapped: Fields = {"Quantity": len(items)}
        if items:
            wrapped["Items"] = items
        if "Enabled" in shape.members:
            wrapped["Enabled"] = bool(items)
        return wrapped
    if shape.type_name == "structure":
        members = {snake(name): name for name in shape.members}
        result: Fields = {}
        for name, member in value.items():
            place = f"{path}.{name}" if path else name
            if name not in members:
                raise RefusalError(f"AWS knows no field {place}.{nearest(name, members)}")
            if member is not None:
                result[members[name]] = to_api(shape.members[members[name]], member, place)
        if "Quantity" in shape.members and "Items" in result:
            result["Quantity"] = len(result["Items"])
        elif "Quantity" in shape.required_members:
            result.setdefault("Quantity", 0)
        return result
    if shape.type_name == "list":
        return [to_api(shape.member, item, f"{path}[]") for item in value]
    return value


def from_api(shape: Any, value: Any) -> Any:
    """What AWS answered, as fields: the way back of :func:`to_api`."""
    if shape.type_name == "structure" and is_list_wrapper(shape):
        return [from_api(shape.members["Items"].member, item) for item in value.get("Items") or []]
    if shape.type_name == "structure":
        return {
            snake(name): from_api(shape.members[name], member)
            for name, member in value.items()
            if name in shape.members and name != "Quantity"
        }
    if shape.type_name == "list":
        return [from_api(shape.member, item) for item in value]
    return value
