"""VPC endpoints: a change of route tables moves the routes, private names can be switched, what is deleted is gone."""

from __future__ import annotations

import json

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.vpcs import VPCEndPoint
from moto.ec2.responses import EC2Response

from .registry import correct

_create_vpc_endpoint = EC2Backend.create_vpc_endpoint
_modify_vpc_endpoint = EC2Response.modify_vpc_endpoint


@correct(EC2Backend, "create_vpc_endpoint")
def create_vpc_endpoint(self: EC2Backend, vpc_id: str, service_name: str, **kwargs: object) -> VPCEndPoint:
    """A second gateway in one route table is refused, and so is a second interface with private names in one VPC.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
    https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
    """
    wanted = kwargs.get("route_table_ids") or []
    for other in self.vpc_end_points.values():
        if (other.vpc_id, other.service_name) != (vpc_id, service_name):
            continue
        for table in other.route_table_ids:
            if isinstance(wanted, list) and table in wanted:
                raise EC2ClientError(
                    "RouteAlreadyExists", f"route table {table} already has a route with {service_name}"
                )
        if (
            kwargs.get("endpoint_type") == "Interface"
            and kwargs.get("private_dns_enabled")
            and other.private_dns_enabled
        ):
            raise EC2ClientError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{service_name} in the VPC {vpc_id}",
            )
    if kwargs.get("endpoint_type") != "Interface":
        kwargs["private_dns_enabled"] = False
    made: VPCEndPoint = _create_vpc_endpoint(self, vpc_id=vpc_id, service_name=service_name, **kwargs)  # type: ignore[arg-type]
    return made


@correct(EC2Response, "modify_vpc_endpoint")
def modify_vpc_endpoint(self: EC2Response) -> ActionResult:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html"""
    backend = self.ec2_backend
    endpoint = backend.describe_vpc_endpoints(vpc_end_point_ids=[self._get_param("VpcEndpointId")])[0]
    before = set(endpoint.route_table_ids)
    answer: ActionResult = _modify_vpc_endpoint(self)
    prefix = endpoint.destination_prefix_list_id
    if prefix:
        for table in sorted(before - set(endpoint.route_table_ids)):
            backend.delete_route(table, prefix)
        for table in sorted(set(endpoint.route_table_ids) - before):
            backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefix)
    if self._get_bool_param("ResetPolicy"):
        endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
    private = self._get_bool_param("PrivateDnsEnabled")
    if private is not None:
        endpoint.private_dns_enabled = private
    return answer


@correct(EC2Response, "delete_vpc_endpoints")
def delete_vpc_endpoints(self: EC2Response) -> ActionResult:
    """An endpoint that nobody knows is an item of Unsuccessful; AWS shows the others as deleting for a while.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpcEndpoints.html
    """
    backend = self.ec2_backend
    ids = self._get_param("VpcEndpointIds", [])
    unknown = [one for one in ids if one not in backend.vpc_end_points]
    known = [one for one in ids if one in backend.vpc_end_points]
    backend.delete_vpc_endpoints(vpce_ids=known)
    for one in known:
        del backend.vpc_end_points[one]
    error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": "The Vpc Endpoint Id does not exist"}
    return ActionResult({"Unsuccessful": [{"ResourceId": one, "Error": error} for one in unknown]})
