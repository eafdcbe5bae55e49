locals {
  groups = {
    balancer = "Load balancer. Reached from everywhere on 80 and 443."
    web      = "Web instances. Reached from the load balancer only."
    database = "PostgreSQL. Reached from the web instances only."
    cache    = "Valkey. Reached from the web instances only."
    builder  = "Builder of the machine image. Reached by nobody."
  }
  ingress = {
    balancer-http  = { group = "balancer", port = 80, cidr = "0.0.0.0/0", peer = null, says = "Redirected to HTTPS" }
    balancer-https = { group = "balancer", port = 443, cidr = "0.0.0.0/0", peer = null, says = "HTTPS" }
    database       = { group = "database", port = 5432, cidr = null, peer = "web", says = "PostgreSQL" }
    cache          = { group = "cache", port = 6379, cidr = null, peer = "web", says = "Valkey" }
    web            = { group = "web", port = 80, cidr = null, peer = "balancer", says = "Requests and health checks" }
  }
  outbound_ports = [80, 443, 465, 587]
  egress = merge({
    balancer      = { group = "balancer", port = 80, cidr = null, peer = "web", says = "Requests and health checks" }
    web-database  = { group = "web", port = 5432, cidr = null, peer = "database", says = "PostgreSQL" }
    web-cache     = { group = "web", port = 6379, cidr = null, peer = "cache", says = "Valkey" }
    builder-http  = { group = "builder", port = 80, cidr = "0.0.0.0/0", peer = null, says = "Debian packages" }
    builder-https = { group = "builder", port = 443, cidr = "0.0.0.0/0", peer = null, says = "AWS APIs and Debian packages" }
    }, {
    for port in local.outbound_ports :
    "web-${port}" => { group = "web", port = port, cidr = "0.0.0.0/0", peer = null, says = "AWS APIs, and what the application calls" }
  })
  # What is open to everywhere is open over IPv6 too.
  rules = {
    for way, rules in { ingress = local.ingress, egress = local.egress } : way => merge(
      { for key, rule in rules : key => merge(rule, { ipv6 = null }) },
      { for key, rule in rules : "${key}-ipv6" => merge(rule, { cidr = null, ipv6 = "::/0" }) if rule.cidr != null },
    )
  }
}

resource "aws_security_group" "this" {
  for_each    = local.groups
  name        = "${local.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id
  tags        = { Name = "${local.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each                     = local.rules.ingress
  security_group_id            = aws_security_group.this[each.value.group].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.cidr
  cidr_ipv6                    = each.value.ipv6
  referenced_security_group_id = each.value.peer == null ? null : aws_security_group.this[each.value.peer].id
  description                  = each.value.says
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each                     = local.rules.egress
  security_group_id            = aws_security_group.this[each.value.group].id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  cidr_ipv4                    = each.value.cidr
  cidr_ipv6                    = each.value.ipv6
  referenced_security_group_id = each.value.peer == null ? null : aws_security_group.this[each.value.peer].id
  description                  = each.value.says
}

resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.name}-default" }
}

locals {
  trust = {
    for service in ["ec2", "vpc-flow-logs", "backup"] : service => jsonencode({
      Version = "2012-10-17"
      Statement = [merge(
        { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "${service}.amazonaws.com" } },
        service == "ec2" ? {} : { Condition = { StringEquals = { "aws:SourceAccount" = local.account } } },
      )]
    })
  }
  roles = {
    web     = { service = "ec2", says = "Web instances. Fetch releases, read the application's settings." }
    builder = { service = "ec2", says = "Builder of the machine image. Reached through Session Manager, reads nothing." }
    flows   = { service = "vpc-flow-logs", says = "Flow logs of the VPC. Write to one log group." }
    backup  = { service = "backup", says = "AWS Backup. Takes and restores recovery points." }
  }
  attachments = {
    backup  = { role = "backup", policy = "service-role/AWSBackupServiceRolePolicyForBackup" }
    restore = { role = "backup", policy = "service-role/AWSBackupServiceRolePolicyForRestores" }
  }
}

resource "aws_iam_role" "this" {
  for_each           = local.roles
  name               = "${local.name}-${each.key}"
  description        = each.value.says
  assume_role_policy = local.trust[each.value.service]
  tags               = { Name = "${local.name}-${each.key}" }
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each   = local.attachments
  role       = aws_iam_role.this[each.value.role].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

resource "aws_iam_instance_profile" "this" {
  for_each = toset(["web", "builder"])
  name     = "${local.name}-${each.key}"
  role     = aws_iam_role.this[each.key].name
  tags     = { Name = "${local.name}-${each.key}" }
}

resource "aws_iam_role_policy" "session" {
  for_each = toset(["web", "builder"])
  name     = "session"
  role     = aws_iam_role.this[each.key].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "BeReachable"
        Effect = "Allow"
        Action = [
          "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
          "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
        ]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "web" {
  name = "application"
  role = aws_iam_role.this["web"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FetchReleases"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.this["releases"].arn}/releases/*"
      },
      {
        Sid      = "ReadSettings"
        Effect   = "Allow"
        Action   = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"]
        Resource = "arn:aws:ssm:${var.region}:${local.account}:parameter/${local.name}/*"
      },
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = [for secret in aws_secretsmanager_secret.this : secret.arn]
      },
      {
        Sid    = "SendAndRunTasks"
        Effect = "Allow"
        Action = [
          "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl",
          "sqs:ReceiveMessage", "sqs:SendMessage",
        ]
        Resource = [local.queue_arns.tasks]
      },
      {
        Sid    = "WriteLogs"
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = [
          for group in ["application", "nginx", "system"] :
          "arn:aws:logs:${var.region}:${local.account}:log-group:/${local.name}/${group}:*"
        ]
      },
      {
        Sid      = "SendTraces"
        Effect   = "Allow"
        Action   = ["xray:GetSamplingRules", "xray:PutTraceSegments"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_iam_role_policy" "flows" {
  name = "flows"
  role = aws_iam_role.this["flows"].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteFlows"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
        Resource = "${aws_cloudwatch_log_group.this["/${local.name}/flows"].arn}:*"
      },
      {
        Sid      = "FindTheGroup"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "arn:aws:logs:${var.region}:${local.account}:log-group:*"
      },
    ]
  })
}

locals {
  key_management = {
    Sid       = "ManageThroughIam"
    Effect    = "Allow"
    Principal = { AWS = "arn:aws:iam::${local.account}:root" }
    Action = [
      "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKey",
      "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation", "kms:Get*", "kms:List*", "kms:PutKeyPolicy",
      "kms:RevokeGrant", "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion", "kms:TagResource", "kms:UntagResource",
      "kms:UpdateAlias", "kms:UpdateKeyDescription",
    ]
    Resource = "*"
  }
  key_logs = {
    for region in [var.region, "us-east-1"] : region => {
      Sid       = "EncryptLogGroups"
      Effect    = "Allow"
      Principal = { Service = "logs.${region}.amazonaws.com" }
      Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = [
        "arn:aws:logs:${region}:${local.account}:log-group:/${local.name}/*",
        "arn:aws:logs:${region}:${local.account}:log-group:/aws/rds/instance/${local.name}/*",
        "arn:aws:logs:${region}:${local.account}:log-group:aws-waf-logs-${local.name}-*",
      ] } }
    }
  }
  key_alerts = {
    Sid       = "PublishToEncryptedTopics"
    Effect    = "Allow"
    Principal = { Service = local.publishers }
    Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
    Resource  = "*"
    Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
  }
  key_via = {
    "kms:CallerAccount" = local.account
    "kms:ViaService"    = [for service in ["backup", "elasticache", "rds", "secretsmanager"] : "${service}.${var.region}.amazonaws.com"]
  }
}

resource "aws_kms_key" "logs" {
  description         = "Log groups and alerts of ${local.name}"
  enable_key_rotation = true
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.key_management, local.key_logs[var.region], local.key_alerts]
  })
  tags = { Name = "${local.name}-logs" }
}

resource "aws_kms_key" "data" {
  description         = "Database, cache, secrets and backups of ${local.name}"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.key_management,
      {
        Sid       = "UseThroughServices"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey", "kms:RetireGrant"]
        Resource  = "*"
        Condition = { StringEquals = local.key_via }
      },
      {
        Sid       = "GrantToServices"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
        Condition = { StringEquals = local.key_via, Bool = { "kms:GrantIsForAWSResource" = "true" } }
      },
    ]
  })
  tags = { Name = "${local.name}-data" }
}

resource "aws_kms_key" "edge" {
  provider            = aws.edge
  description         = "Log groups and alerts of ${local.name}'s CloudFront"
  enable_key_rotation = true
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [local.key_management, local.key_logs["us-east-1"], local.key_alerts]
  })
  tags = { Name = "${local.name}-edge" }
}

resource "aws_kms_alias" "logs" {
  name          = "alias/${local.name}-logs"
  target_key_id = aws_kms_key.logs.key_id
}

resource "aws_kms_alias" "data" {
  name          = "alias/${local.name}-data"
  target_key_id = aws_kms_key.data.key_id
}

resource "aws_kms_alias" "edge" {
  provider      = aws.edge
  name          = "alias/${local.name}-edge"
  target_key_id = aws_kms_key.edge.key_id
}

resource "aws_secretsmanager_secret" "this" {
  for_each = {
    database = "Master user of the database"
    cache    = "AUTH token of the cache"
    django   = "SECRET_KEY of Django"
  }
  name                    = "${local.name}/${each.key}"
  description             = each.value
  recovery_window_in_days = 0
  tags                    = { Name = "${local.name}/${each.key}" }
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each      = aws_secretsmanager_secret.this
  secret_id     = each.value.id
  secret_string = jsonencode(var.secrets[each.key])
}
