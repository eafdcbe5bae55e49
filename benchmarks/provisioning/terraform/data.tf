resource "aws_db_subnet_group" "this" {
  name        = local.name
  description = "Database of ${local.name}"
  subnet_ids  = local.subnet_ids.data
  tags        = { Name = local.name }
}

resource "aws_db_parameter_group" "this" {
  name        = "${local.name}-postgres17"
  family      = "postgres17"
  description = "Database of ${local.name}"
  dynamic "parameter" {
    for_each = { "rds.force_ssl" = "1", "log_min_duration_statement" = "500", "log_lock_waits" = "1" }
    content {
      name  = parameter.key
      value = parameter.value
    }
  }
  tags = { Name = local.name }
}

resource "aws_db_instance" "this" {
  identifier                      = local.name
  engine                          = "postgres"
  engine_version                  = "17"
  instance_class                  = "db.t3.micro"
  allocated_storage               = 20
  max_allocated_storage           = 100
  storage_type                    = "gp3"
  storage_encrypted               = true
  db_name                         = "application"
  port                            = 5432
  username                        = var.secrets["database"]["username"]
  password                        = var.secrets["database"]["password"]
  db_subnet_group_name            = aws_db_subnet_group.this.name
  parameter_group_name            = aws_db_parameter_group.this.name
  vpc_security_group_ids          = [aws_security_group.this["database"].id]
  publicly_accessible             = false
  ca_cert_identifier              = "rds-ca-rsa2048-g1"
  multi_az                        = false
  auto_minor_version_upgrade      = true
  backup_retention_period         = 1
  backup_window                   = "02:00-03:00"
  maintenance_window              = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot           = true
  deletion_protection             = false
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]
  apply_immediately               = true
  skip_final_snapshot             = true
  tags                            = { Name = local.name }
}

resource "aws_elasticache_subnet_group" "this" {
  name        = local.name
  description = "Cache of ${local.name}"
  subnet_ids  = local.subnet_ids.data
}

resource "aws_elasticache_parameter_group" "this" {
  name        = "${local.name}-valkey8"
  family      = "valkey8"
  description = "Cache of ${local.name}"
  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }
  tags = { Name = local.name }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = local.name
  description                = "Cache of ${local.name}"
  engine                     = "valkey"
  engine_version             = "8.1"
  node_type                  = "cache.t3.micro"
  num_cache_clusters         = 1
  automatic_failover_enabled = false
  multi_az_enabled           = false
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  auth_token                 = var.secrets["cache"]["auth_token"]
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  security_group_ids         = [aws_security_group.this["cache"].id]
  port                       = 6379
  snapshot_retention_limit   = 0
  maintenance_window         = "sun:04:30-sun:05:30"
  auto_minor_version_upgrade = true
  apply_immediately          = true
  tags                       = { Name = local.name }
}

locals {
  parameters = {
    DJANGO_ALLOWED_HOSTS = local.site_domain
    DJANGO_SITE_URL      = local.site_url
    DATABASE_HOST        = aws_db_instance.this.address
    DATABASE_PORT        = tostring(aws_db_instance.this.port)
    DATABASE_NAME        = aws_db_instance.this.db_name
    DATABASE_SSLROOTCERT = "/etc/ssl/certs/database-ca.pem"
    CACHE_URL            = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"

    AWS_DEFAULT_REGION               = var.region
    DJANGO_SNS_ENDPOINT              = "http://${cidrhost(var.vpc_cidr, 1)}:4566"
    DJANGO_TRACING_SERVICE           = local.name
    DJANGO_TASKS_QUEUE_URL           = aws_sqs_queue.tasks.url
    DJANGO_SNS_TOPIC_ARNS            = join(",", [aws_sns_topic.alerts.arn, aws_sns_topic.edge.arn])
    DJANGO_EMAIL_URL                 = "smtp://${cidrhost(var.vpc_cidr, 1)}:4568"
    DJANGO_EMAIL_FROM                = "status@${var.zone_name}"
    DJANGO_OUTBOUND_ALLOWED_NETWORKS = cidrsubnet(var.vpc_cidr, 8, 255)
  }
  parameter_secrets = {
    DJANGO_SECRET_KEY = "${aws_secretsmanager_secret.this["django"].arn}:secret_key::"
    DATABASE_USER     = "${aws_secretsmanager_secret.this["database"].arn}:username::"
    DATABASE_PASSWORD = "${aws_secretsmanager_secret.this["database"].arn}:password::"
    CACHE_AUTH_TOKEN  = "${aws_secretsmanager_secret.this["cache"].arn}:auth_token::"
  }
}

resource "aws_ssm_parameter" "values" {
  for_each = local.parameters
  name     = "/${local.name}/application/${each.key}"
  type     = "String"
  value    = each.value
}

resource "aws_ssm_parameter" "secrets" {
  for_each = local.parameter_secrets
  name     = "/${local.name}/application-secrets/${each.key}"
  type     = "String"
  value    = each.value
}

resource "aws_backup_vault" "this" {
  name        = local.name
  kms_key_arn = aws_kms_key.data.arn
  tags        = { Name = local.name }
}

resource "aws_backup_plan" "this" {
  name = local.name
  rule {
    rule_name           = "daily"
    target_vault_name   = aws_backup_vault.this.name
    schedule            = "cron(0 5 * * ? *)"
    start_window        = 60
    completion_window   = 480
    recovery_point_tags = local.tags
    lifecycle {
      delete_after = 35
    }
  }
  tags = { Name = local.name }
}

resource "aws_backup_selection" "this" {
  name         = "resources"
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.this["backup"].arn
  resources    = [aws_db_instance.this.arn]
  condition {
    dynamic "string_equals" {
      for_each = { Project = "slipway", Environment = var.environment }
      content {
        key   = "aws:ResourceTag/${string_equals.key}"
        value = string_equals.value
      }
    }
  }
}
