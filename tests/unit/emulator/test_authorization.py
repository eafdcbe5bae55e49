"""Who may call what, asked with real clients and real sessions."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from rehearsal.emulator import backchannel
from rehearsal.emulator.authorization import forget_expired_sessions
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.emulator.server import Emulator
from rehearsal.images import DEBIAN_13_IMAGE_ID
from rehearsal.settings import ACCOUNT_ID, REGION

from .conftest import Clients, Network, make_client

TRUST_EC2 = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


class Host:
    """A role's session as a host has it; `allow` says what its inline policy allows."""

    def __init__(self, emulator: Emulator, client: Clients, name: str) -> None:
        self._emulator, self._iam, self._name = emulator, client("iam"), name
        self._iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST_EC2)
        self.arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{name}"
        found = client("sts").assume_role(RoleArn=self.arn, RoleSessionName="i-0123")["Credentials"]
        self.credentials = {
            "aws_access_key_id": found["AccessKeyId"],
            "aws_secret_access_key": found["SecretAccessKey"],
            "aws_session_token": found["SessionToken"],
        }

    def allow(self, *statements: dict[str, Any]) -> None:
        full = [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": full})
        self._iam.put_role_policy(RoleName=self._name, PolicyName="own", PolicyDocument=document)

    def client(self, service: str) -> Any:
        return make_client(self._emulator, service, **self.credentials)


@pytest.fixture
def host(emulator: Emulator, client: Clients, request: pytest.FixtureRequest) -> Host:
    return Host(emulator, client, f"role-{abs(hash(request.node.nodeid))}")


def refusal(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error.get("Message", "")


class TestKeys:
    def test_the_operator_is_an_administrator(self, client: Clients) -> None:
        assert client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:user/rehearsal-operator"

    @pytest.mark.parametrize(
        ("service", "operation", "code"),
        [
            ("sts", "get_caller_identity", "InvalidClientTokenId"),
            ("ec2", "describe_vpcs", "AuthFailure"),
            ("s3", "list_buckets", "InvalidAccessKeyId"),
            ("ssm", "describe_parameters", "UnrecognizedClientException"),
            ("iam", "list_roles", "InvalidClientTokenId"),
            ("cloudfront", "list_distributions", "InvalidClientTokenId"),
        ],
    )
    def test_an_unknown_key(self, emulator: Emulator, service: str, operation: str, code: str) -> None:
        stranger = make_client(emulator, service, aws_access_key_id="AKIAAAAAAAAAAAAAAAAA", aws_secret_access_key="x")
        assert refusal(getattr(stranger, operation))[0] == code

    def test_a_wrong_session_token(self, emulator: Emulator, host: Host) -> None:
        wrong = make_client(emulator, "sts", **{**host.credentials, "aws_session_token": "wrong"})
        assert refusal(wrong.get_caller_identity)[0] == "InvalidClientTokenId"
        without = {name: value for name, value in host.credentials.items() if name != "aws_session_token"}
        assert refusal(make_client(emulator, "sts", **without).get_caller_identity)[0] == "InvalidClientTokenId"

    @pytest.mark.parametrize(
        ("service", "operation", "code"),
        [
            ("sts", "get_caller_identity", "ExpiredToken"),
            ("s3", "list_buckets", "ExpiredToken"),
            ("ssm", "describe_parameters", "ExpiredTokenException"),
            ("ec2", "describe_vpcs", "RequestExpired"),
        ],
    )
    def test_an_expired_session(self, host: Host, service: str, operation: str, code: str) -> None:
        sessions = sts_backends[ACCOUNT_ID]["aws"].assumed_roles
        session = next(one for one in sessions if one.access_key_id == host.credentials["aws_access_key_id"])
        session.expiration = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=1)
        assert refusal(getattr(host.client(service), operation))[0] == code
        forget_expired_sessions()
        assert session in sessions
        forget_expired_sessions(datetime.now(UTC) + timedelta(hours=2))
        assert session not in sessions

    def test_nobody_asks_without_a_signature(self, emulator: Emulator) -> None:
        request = urllib.request.Request(  # noqa: S310
            emulator.endpoint, data=b"Action=DescribeVpcs&Version=2016-11-15"
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request, timeout=5)  # noqa: S310

    def test_an_inactive_key(self, emulator: Emulator, client: Clients) -> None:
        iam = client("iam")
        iam.create_user(UserName="guest")
        key = iam.create_access_key(UserName="guest")["AccessKey"]
        guest = make_client(
            emulator, "sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
        )
        assert guest.get_caller_identity()["Arn"].endswith("user/guest")
        iam.update_access_key(UserName="guest", AccessKeyId=key["AccessKeyId"], Status="Inactive")
        assert refusal(guest.get_caller_identity)[0] == "InvalidClientTokenId"


class TestRoles:
    def test_who_he_is_may_be_asked_by_everybody(self, host: Host) -> None:
        assert host.client("sts").get_caller_identity()["Arn"].endswith("/i-0123")

    def test_nothing_allowed_is_nothing_done(self, host: Host) -> None:
        code, message = refusal(host.client("ec2").describe_instances)
        assert code == "UnauthorizedOperation"
        assert "is not authorized to perform: ec2:DescribeInstances" in message
        assert "no identity-based policy allows the ec2:DescribeInstances action" in message
        code, message = refusal(host.client("iam").list_roles)
        assert code == "AccessDenied"
        assert f"User: arn:aws:sts::{ACCOUNT_ID}:assumed-role/" in message
        code, _ = refusal(host.client("cloudfront").list_distributions)
        assert code == "AccessDenied"

    def test_parameters_by_path(self, client: Clients, host: Host) -> None:
        ssm = client("ssm")
        for name in ("/slipway/application/A", "/other/application/A"):
            ssm.put_parameter(Name=name, Value="1", Type="String", Overwrite=True)
        arn = f"arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/slipway"
        host.allow(
            {"Action": ["ssm:GetParameter", "ssm:GetParametersByPath"], "Resource": [arn, f"{arn}/*"]},
        )
        mine = host.client("ssm")
        assert mine.get_parameter(Name="/slipway/application/A")["Parameter"]["Value"] == "1"
        assert len(mine.get_parameters_by_path(Path="/slipway/application")["Parameters"]) == 1
        code, message = refusal(mine.get_parameter, Name="/other/application/A")
        assert code == "AccessDeniedException"
        assert f"on resource: arn:aws:ssm:{REGION}:{ACCOUNT_ID}:parameter/other/application/A" in message
        assert refusal(mine.put_parameter, Name="/slipway/x", Value="1", Type="String")[0] == "AccessDeniedException"

    def test_encrypted_parameters_and_their_key(self, client: Clients, host: Host) -> None:
        ssm, key = client("ssm"), client("kms").create_key()["KeyMetadata"]["Arn"]
        ssm.put_parameter(Name="/sealed/own", Value="1", Type="SecureString", KeyId=key)
        ssm.put_parameter(Name="/open/plain", Value="1", Type="String")
        ssm.put_parameter(Name="/open/sealed", Value="1", Type="SecureString")
        host.allow({"Action": "ssm:Get*"})
        mine = host.client("ssm")
        # AWS's own key is open to everybody in the account who may read the parameter.
        assert len(mine.get_parameters_by_path(Path="/open", WithDecryption=True)["Parameters"]) == 2
        assert len(mine.get_parameters_by_path(Path="/sealed")["Parameters"]) == 1
        for call, arguments in (
            (mine.get_parameters_by_path, {"Path": "/sealed"}),
            (mine.get_parameter, {"Name": "/sealed/own"}),
            (mine.get_parameters, {"Names": ["/open/plain", "/sealed/own"]}),
        ):
            assert "kms:Decrypt" in refusal(call, WithDecryption=True, **arguments)[1]
        host.allow({"Action": "ssm:Get*"}, {"Action": "kms:Decrypt", "Resource": key})
        assert mine.get_parameter(Name="/sealed/own", WithDecryption=True)["Parameter"]["Value"] == "1"

    def test_secrets_by_arn_and_name_and_their_key(self, client: Clients, host: Host) -> None:
        secrets, kms = client("secretsmanager"), client("kms")
        key = kms.create_key()["KeyMetadata"]["Arn"]
        arn = secrets.create_secret(Name="slipway/database", SecretString="s", KmsKeyId=key)["ARN"]
        host.allow({"Action": "secretsmanager:GetSecretValue", "Resource": f"{arn[:-6]}??????"})
        code, message = refusal(host.client("secretsmanager").get_secret_value, SecretId=arn)
        assert (code, key in message, "kms:Decrypt" in message) == ("AccessDeniedException", True, True)
        host.allow(
            {"Action": "secretsmanager:GetSecretValue", "Resource": f"{arn[:-6]}??????"},
            {
                "Action": "kms:Decrypt",
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}},
            },
        )
        for name in (arn, "slipway/database"):
            assert host.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"] == "s"
        assert refusal(host.client("kms").decrypt, CiphertextBlob=b"x" * 60, KeyId=key)[0] == "AccessDeniedException"
        other = secrets.create_secret(Name="other", SecretString="s")["ARN"]
        assert refusal(host.client("secretsmanager").get_secret_value, SecretId=other)[0] == "AccessDeniedException"

    def test_objects_and_lists(self, client: Clients, host: Host) -> None:
        s3 = client("s3")
        s3.create_bucket(Bucket="releases", CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket="releases", Key="releases/1/manifest.json", Body=b"{}")
        s3.put_object(Bucket="releases", Key="secret", Body=b"{}")
        host.allow({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::releases/releases/*"})
        mine = host.client("s3")
        assert mine.get_object(Bucket="releases", Key="releases/1/manifest.json")["Body"].read() == b"{}"
        mine.head_object(Bucket="releases", Key="releases/1/manifest.json")
        code, message = refusal(mine.get_object, Bucket="releases", Key="secret")
        assert code == "AccessDenied"
        assert "s3:GetObject on resource: arn:aws:s3:::releases/secret" in message.replace('"', "")
        assert refusal(mine.put_object, Bucket="releases", Key="releases/2", Body=b"")[0] == "AccessDenied"
        assert refusal(mine.list_objects_v2, Bucket="releases")[0] == "AccessDenied"
        assert refusal(mine.list_buckets)[0] == "AccessDenied"
        # What is missing is forbidden, until one may list.
        assert refusal(mine.get_object, Bucket="releases", Key="releases/none")[0] == "AccessDenied"
        assert refusal(mine.head_object, Bucket="releases", Key="releases/none")[0] == "403"
        host.allow(
            {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::releases/releases/*"},
            {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::releases"},
        )
        assert refusal(mine.get_object, Bucket="releases", Key="releases/none")[0] == "NoSuchKey"
        assert len(mine.list_objects_v2(Bucket="releases")["Contents"]) == 2

    def test_logs_metrics_queues_and_topics(self, client: Clients, host: Host) -> None:
        client("logs").create_log_group(logGroupName="/slipway/web")
        queue = client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
        topic = client("sns").create_topic(Name="alarms")["TopicArn"]
        group = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/slipway/web:*"
        host.allow(
            {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": group},
            {
                "Action": "cloudwatch:PutMetricData",
                "Condition": {"StringEquals": {"cloudwatch:namespace": "Slipway"}},
            },
            {"Action": "sqs:SendMessage", "Resource": f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:jobs"},
            {"Action": "sns:Publish", "Resource": topic},
            {"Action": "xray:PutTraceSegments"},
        )
        logs, metrics = host.client("logs"), host.client("cloudwatch")
        logs.create_log_stream(logGroupName="/slipway/web", logStreamName="i-1")
        logs.put_log_events(
            logGroupName="/slipway/web", logStreamName="i-1", logEvents=[{"timestamp": 1, "message": "m"}]
        )
        assert refusal(logs.create_log_stream, logGroupName="/other", logStreamName="a")[0] == "AccessDeniedException"
        data = [{"MetricName": "m", "Value": 1.0}]
        metrics.put_metric_data(Namespace="Slipway", MetricData=data)
        assert "AccessDenied" in refusal(metrics.put_metric_data, Namespace="Other", MetricData=data)[0]
        host.client("sqs").send_message(QueueUrl=queue, MessageBody="m")
        assert "AccessDenied" in refusal(host.client("sqs").receive_message, QueueUrl=queue)[0]
        host.client("sns").publish(TopicArn=topic, Message="m")
        assert refusal(host.client("sns").delete_topic, TopicArn=topic)[0] == "AccessDenied"
        host.client("xray").put_trace_segments(TraceSegmentDocuments=["{}"])

    def test_an_explicit_deny(self, host: Host) -> None:
        host.allow({"Action": "ec2:*"}, {"Effect": "Deny", "Action": "ec2:DescribeVpcs"})
        host.client("ec2").describe_subnets()
        _, message = refusal(host.client("ec2").describe_vpcs)
        assert "with an explicit deny in an identity-based policy" in message

    def test_attached_and_aws_managed_policies(self, client: Clients, host: Host) -> None:
        iam = client("iam")
        name = host.arn.rsplit("/", 1)[-1]
        own = iam.create_policy(
            PolicyName="own",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeVpcs", "Resource": "*"}],
                }
            ),
        )["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=name, PolicyArn=own)
        host.client("ec2").describe_vpcs()
        assert refusal(host.client("ec2").describe_subnets)[0] == "UnauthorizedOperation"
        iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
        host.client("ec2").describe_subnets()
        # A new default version of the customer's policy counts at once.
        iam.detach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
        iam.create_policy_version(
            PolicyArn=own,
            SetAsDefault=True,
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Effect": "Allow", "Action": "ec2:DescribeSubnets", "Resource": "*"}],
                }
            ),
        )
        host.client("ec2").describe_subnets()
        assert refusal(host.client("ec2").describe_vpcs)[0] == "UnauthorizedOperation"

    def test_a_role_assumes_only_roles_that_trust_it(self, client: Clients, host: Host) -> None:
        iam = client("iam")
        for name, principal in (("open", host.arn), ("closed", f"arn:aws:iam::{ACCOUNT_ID}:role/nobody")):
            iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=json.dumps(
                    {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}],
                    }
                ),
            )
        host.allow({"Action": "sts:AssumeRole"})
        host.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/open", RoleSessionName="session")
        code, _ = refusal(
            host.client("sts").assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/closed", RoleSessionName="session"
        )
        assert code == "AccessDenied"


class TestBucketPolicies:
    def put_policy(self, client: Clients, bucket: str, *statements: dict[str, Any]) -> None:
        full = [{"Effect": "Allow", "Principal": "*", "Resource": f"arn:aws:s3:::{bucket}/*", **s} for s in statements]
        client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": full}))

    @pytest.fixture
    def bucket(self, client: Clients, request: pytest.FixtureRequest) -> str:
        name = f"bucket-{abs(hash(request.node.nodeid))}"
        client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        client("s3").put_object(Bucket=name, Key="k", Body=b"1")
        return name

    def test_denying_insecure_transport_denies_nobody_here(self, client: Clients, bucket: str, host: Host) -> None:
        host.allow({"Action": "s3:GetObject"})
        self.put_policy(
            client,
            bucket,
            {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        )
        assert host.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"
        client("s3").put_object(Bucket=bucket, Key="k", Body=b"2")

    def test_a_deny_of_the_bucket_binds_the_operator_too(self, client: Clients, bucket: str) -> None:
        self.put_policy(client, bucket, {"Effect": "Deny", "Action": "s3:PutObject"})
        code, message = refusal(client("s3").put_object, Bucket=bucket, Key="k", Body=b"")
        assert code == "AccessDenied"
        assert "with an explicit deny in a resource-based policy" in message
        client("s3").delete_bucket_policy(Bucket=bucket)
        client("s3").put_object(Bucket=bucket, Key="k", Body=b"")

    def test_a_bucket_lets_a_role_in(self, client: Clients, bucket: str, host: Host) -> None:
        self.put_policy(client, bucket, {"Action": "s3:GetObject", "Principal": {"AWS": host.arn}})
        assert host.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"1"

    def test_the_public_reads_what_is_public_only(self, emulator: Emulator, client: Clients, bucket: str) -> None:
        url = f"{emulator.endpoint}/{bucket}/k"
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(url, timeout=5)  # noqa: S310
        self.put_policy(client, bucket, {"Action": "s3:GetObject"})
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            assert answer.read() == b"1"

    def test_cloudfront_reads_for_the_distribution_named(self, client: Clients, bucket: str) -> None:
        arn = f"arn:aws:cloudfront::{ACCOUNT_ID}:distribution/E1"
        assert not backchannel.may_read_object(bucket, "k", arn)
        self.put_policy(
            client,
            bucket,
            {
                "Action": "s3:GetObject",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
            },
        )
        assert backchannel.may_read_object(bucket, "k", arn)
        assert not backchannel.may_read_object(bucket, "k", arn.replace("E1", "E2"))

    @pytest.mark.parametrize("version", ["s3v4", "s3"])
    def test_presigned_urls(self, emulator: Emulator, bucket: str, host: Host, version: str) -> None:
        def url(credentials: dict[str, str], seconds: int = 60) -> str:
            signer: Any = boto3.client(  # type: ignore[call-overload]
                "s3",
                region_name=REGION,
                endpoint_url=emulator.endpoint,
                config=Config(signature_version=version),
                **credentials,
            )
            return str(
                signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=seconds)
            )

        def status(address: str) -> int:
            try:
                with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                return error.code

        operator = {"aws_access_key_id": ACCESS_KEY_ID, "aws_secret_access_key": SECRET_ACCESS_KEY}
        assert status(url(operator)) == 200
        assert status(url(operator, -5)) == 403
        assert status(url(host.credentials)) == 403
        host.allow({"Action": "s3:GetObject"})
        assert status(url(host.credentials)) == 200

    def test_a_policy_that_is_not_understood_opens_nothing(self, client: Clients, bucket: str, host: Host) -> None:
        self.put_policy(client, bucket, {"Action": "s3:GetObject", "Condition": {"StringResembles": {"a:b": "c"}}})
        code, message = refusal(host.client("s3").get_object, Bucket=bucket, Key="k")
        assert code == "NotImplemented"
        assert "StringResembles" in message
        client("iam").list_roles()


def test_credentials_of_an_instance(emulator: Emulator, client: Clients, network: Network, host: Host) -> None:
    iam, ec2 = client("iam"), client("ec2")
    role = host.arn.rsplit("/", 1)[-1]
    iam.create_instance_profile(InstanceProfileName="web")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName=role)
    found = ec2.run_instances(
        ImageId=DEBIAN_13_IMAGE_ID,
        MinCount=1,
        MaxCount=1,
        SubnetId=network.subnet_ids[0],
        IamInstanceProfile={"Name": "web"},
    )
    instance_id = found["Instances"][0]["InstanceId"]
    assert backchannel.instance_role(instance_id) == role
    credentials = backchannel.instance_credentials(instance_id)
    assert credentials is not None
    mine = make_client(
        emulator,
        "sts",
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.token,
    )
    assert mine.get_caller_identity()["Arn"].endswith(f"assumed-role/{role}/{instance_id}")
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=TRUST_EC2.replace("ec2.amazonaws", "ecs.amazonaws"))
    assert backchannel.instance_credentials(instance_id) is None
