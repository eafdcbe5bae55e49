locals {
  publishers = ["backup.amazonaws.com", "budgets.amazonaws.com", "cloudwatch.amazonaws.com", "events.rds.amazonaws.com"]
  log_groups = {
    "/${local.name}/application"                 = 30
    "/${local.name}/nginx"                       = var.nginx_log_days
    "/${local.name}/system"                      = 30
    "/${local.name}/flows"                       = 14
    "/aws/rds/instance/${local.name}/postgresql" = 30
    "/aws/rds/instance/${local.name}/upgrade"    = 30
    "aws-waf-logs-${local.name}-balancer"        = 30
  }
  metric_filters = {
    errors        = { group = "application", metric = "ApplicationErrors", pattern = "{ ($.level = \"ERROR\") || ($.level = \"CRITICAL\") }" }
    server-errors = { group = "nginx", metric = "NginxServerErrors", pattern = "{ $.status >= 500 }" }
    slow-requests = { group = "nginx", metric = "NginxSlowRequests", pattern = "{ $.seconds >= 5 }" }
  }
}

resource "aws_sns_topic" "alerts" {
  name              = "${local.name}-alerts"
  display_name      = "${local.name} alerts"
  kms_master_key_id = aws_kms_key.logs.arn
  tags              = { Name = "${local.name}-alerts" }
}

resource "aws_sns_topic" "edge" {
  provider          = aws.edge
  name              = "${local.name}-alerts"
  display_name      = "${local.name} alerts"
  kms_master_key_id = aws_kms_key.edge.arn
  tags              = { Name = "${local.name}-alerts" }
}

locals {
  topic_policies = {
    for arn in [aws_sns_topic.alerts.arn, aws_sns_topic.edge.arn] : split(":", arn)[3] => jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Sid       = "LetServicesOfThisAccountPublish"
          Effect    = "Allow"
          Principal = { Service = local.publishers }
          Action    = "sns:Publish"
          Resource  = arn
          Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
        },
        {
          Sid       = "TlsOnly"
          Effect    = "Deny"
          Principal = "*"
          Action    = "sns:Publish"
          Resource  = arn
          Condition = { Bool = { "aws:SecureTransport" = "false" } }
        },
      ]
    })
  }
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = local.topic_policies[var.region]
}

resource "aws_sns_topic_policy" "edge" {
  provider = aws.edge
  arn      = aws_sns_topic.edge.arn
  policy   = local.topic_policies["us-east-1"]
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.log_groups
  name              = each.key
  retention_in_days = each.value
  kms_key_id        = aws_kms_key.logs.arn
}

resource "aws_cloudwatch_log_group" "edge_firewall" {
  provider          = aws.edge
  name              = "aws-waf-logs-${local.name}-edge"
  retention_in_days = 30
  kms_key_id        = aws_kms_key.edge.arn
}

resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each       = local.metric_filters
  name           = each.key
  log_group_name = aws_cloudwatch_log_group.this["/${local.name}/${each.value.group}"].name
  pattern        = each.value.pattern
  metric_transformation {
    name          = each.value.metric
    namespace     = local.name
    value         = "1"
    default_value = "0"
    unit          = "Count"
  }
}

resource "aws_flow_log" "this" {
  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  log_destination          = aws_cloudwatch_log_group.this["/${local.name}/flows"].arn
  iam_role_arn             = aws_iam_role.this["flows"].arn
  max_aggregation_interval = 600
  tags                     = { Name = local.name }
}

locals {
  balancer_dimensions = { LoadBalancer = aws_lb.this.arn_suffix }
  target_dimensions   = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.web.arn_suffix }
  host_dimensions     = { AutoScalingGroupName = "${local.name}-web" }
  database_dimensions = { DBInstanceIdentifier = aws_db_instance.this.identifier }
  # The name of a replication group's first node is known before it exists.
  cache_node       = "${local.name}-001"
  cache_dimensions = { CacheClusterId = local.cache_node }
  alarm_defaults = {
    period     = 60
    periods    = 1
    points     = null
    comparison = "GreaterThanThreshold"
    missing    = "missing"
    percentile = null
    statistic  = "Average"
  }
  alarms = {
    balancer-5xx         = { namespace = "AWS/ApplicationELB", metric = "HTTPCode_ELB_5XX_Count", dimensions = local.balancer_dimensions, statistic = "Sum", periods = 5, points = 3, threshold = 10, missing = "notBreaching" }
    target-5xx           = { namespace = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count", dimensions = local.target_dimensions, statistic = "Sum", periods = 5, points = 3, threshold = 10, missing = "notBreaching" }
    latency              = { namespace = "AWS/ApplicationELB", metric = "TargetResponseTime", dimensions = local.target_dimensions, statistic = null, percentile = "p95", periods = 10, points = 8, threshold = 2, missing = "notBreaching" }
    unhealthy-hosts      = { namespace = "AWS/ApplicationELB", metric = "UnHealthyHostCount", dimensions = local.target_dimensions, statistic = "Maximum", periods = 10, threshold = 0, missing = "notBreaching" }
    no-healthy-host      = { namespace = "AWS/ApplicationELB", metric = "HealthyHostCount", dimensions = local.target_dimensions, statistic = "Maximum", periods = 3, comparison = "LessThanThreshold", threshold = 1, missing = "breaching" }
    host-cpu             = { namespace = "AWS/EC2", metric = "CPUUtilization", dimensions = local.host_dimensions, period = 300, periods = 3, threshold = 85 }
    host-status          = { namespace = "AWS/EC2", metric = "StatusCheckFailed", dimensions = local.host_dimensions, statistic = "Maximum", period = 300, periods = 2, threshold = 0 }
    database-cpu         = { namespace = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database_dimensions, period = 300, periods = 3, threshold = 80 }
    database-connections = { namespace = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.database_dimensions, statistic = "Maximum", periods = 5, threshold = 80 }
    database-storage     = { namespace = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.database_dimensions, statistic = "Minimum", period = 300, comparison = "LessThanThreshold", threshold = 5368709120 }
    database-memory      = { namespace = "AWS/RDS", metric = "FreeableMemory", dimensions = local.database_dimensions, statistic = "Minimum", period = 300, periods = 3, comparison = "LessThanThreshold", threshold = 67108864 }
    certificate          = { namespace = "AWS/CertificateManager", metric = "DaysToExpiry", dimensions = { CertificateArn = aws_acm_certificate.origin.arn }, statistic = "Minimum", period = 86400, comparison = "LessThanThreshold", threshold = 30 }

    "cache-cpu-${local.cache_node}"       = { namespace = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = local.cache_dimensions, period = 300, periods = 3, threshold = 80 }
    "cache-memory-${local.cache_node}"    = { namespace = "AWS/ElastiCache", metric = "DatabaseMemoryUsagePercentage", dimensions = local.cache_dimensions, period = 300, periods = 3, threshold = 85 }
    "cache-evictions-${local.cache_node}" = { namespace = "AWS/ElastiCache", metric = "Evictions", dimensions = local.cache_dimensions, statistic = "Sum", period = 300, periods = 3, threshold = 1000, missing = "notBreaching" }

    queue-age    = { namespace = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", dimensions = { QueueName = local.queues.tasks }, statistic = "Maximum", periods = 5, points = 3, threshold = 300, missing = "notBreaching" }
    dead-letters = { namespace = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", dimensions = { QueueName = local.queues.dead }, statistic = "Maximum", threshold = 0, missing = "notBreaching" }

    application-errors = { namespace = local.name, metric = "ApplicationErrors", dimensions = {}, statistic = "Sum", period = 300, threshold = 10, missing = "notBreaching" }
  }
  edge_alarms = {
    edge-5xx         = { namespace = "AWS/CloudFront", metric = "5xxErrorRate", dimensions = { DistributionId = aws_cloudfront_distribution.this.id, Region = "Global" }, periods = 5, points = 3, threshold = 5, missing = "notBreaching" }
    edge-outside     = { namespace = "AWS/Route53", metric = "HealthCheckStatus", dimensions = { HealthCheckId = aws_route53_health_check.site.id }, statistic = "Minimum", periods = 3, comparison = "LessThanThreshold", threshold = 1, missing = "breaching" }
    edge-certificate = { namespace = "AWS/CertificateManager", metric = "DaysToExpiry", dimensions = { CertificateArn = aws_acm_certificate.site.arn }, statistic = "Minimum", period = 86400, comparison = "LessThanThreshold", threshold = 30 }
  }
  noticed = ["balancer-5xx", "target-5xx", "latency", "no-healthy-host"]
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each            = local.alarms
  alarm_name          = "${local.name}/${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = try(each.value.percentile, null) != null ? null : try(each.value.statistic, local.alarm_defaults.statistic)
  extended_statistic  = try(each.value.percentile, null)
  period              = try(each.value.period, local.alarm_defaults.period)
  evaluation_periods  = try(each.value.periods, local.alarm_defaults.periods)
  datapoints_to_alarm = try(each.value.points, null)
  comparison_operator = try(each.value.comparison, local.alarm_defaults.comparison)
  threshold           = each.value.threshold
  treat_missing_data  = try(each.value.missing, local.alarm_defaults.missing)
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_metric_alarm" "edge" {
  provider            = aws.edge
  for_each            = local.edge_alarms
  alarm_name          = "${local.name}/${each.key}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = try(each.value.statistic, local.alarm_defaults.statistic)
  period              = try(each.value.period, local.alarm_defaults.period)
  evaluation_periods  = try(each.value.periods, local.alarm_defaults.periods)
  datapoints_to_alarm = try(each.value.points, null)
  comparison_operator = try(each.value.comparison, local.alarm_defaults.comparison)
  threshold           = each.value.threshold
  treat_missing_data  = try(each.value.missing, local.alarm_defaults.missing)
  alarm_actions       = [aws_sns_topic.edge.arn]
  ok_actions          = [aws_sns_topic.edge.arn]
}

resource "aws_cloudwatch_composite_alarm" "site" {
  alarm_name        = "${local.name}/site"
  alarm_description = "Users notice. The alarms that it is made of say what."
  alarm_rule        = join(" OR ", [for name in local.noticed : "ALARM(\"${aws_cloudwatch_metric_alarm.this[name].alarm_name}\")"])
  alarm_actions     = [aws_sns_topic.alerts.arn]
  ok_actions        = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.name
  dashboard_body = jsonencode({
    periodOverride = "inherit"
    widgets = concat(
      [
        { type = "text", x = 0, y = 0, width = 24, height = 2, properties = { markdown = "# ${local.name}\n[${local.site_url}](${local.site_url})" } },
        { type = "alarm", x = 0, y = 2, width = 24, height = 4, properties = {
          title  = "Alarms"
          sortBy = "stateUpdatedTimestamp"
          alarms = concat([aws_cloudwatch_composite_alarm.site.arn], [for alarm in aws_cloudwatch_metric_alarm.this : alarm.arn])
        } },
      ],
      [for index, name in keys(local.alarms) : {
        type   = "metric"
        x      = 8 * (index % 3)
        y      = 6 + 6 * floor(index / 3)
        width  = 8
        height = 6
        properties = {
          title  = name
          region = var.region
          view   = "timeSeries"
          stat   = try(coalesce(local.alarms[name].percentile, local.alarms[name].statistic), "Average")
          period = try(local.alarms[name].period, 60)
          metrics = [concat(
            [local.alarms[name].namespace, local.alarms[name].metric],
            flatten([for key, value in local.alarms[name].dimensions : [key, value]]),
          )]
        }
      }],
      [{ type = "log", x = 0, y = 42, width = 24, height = 6, properties = {
        title  = "Application: last errors"
        region = var.region
        view   = "table"
        query  = "SOURCE '/${local.name}/application' | filter level in ['ERROR', 'CRITICAL'] | fields @timestamp, message, path, status, release, trace | sort @timestamp desc | limit 50"
      } }],
    )
  })
}

resource "aws_budgets_budget" "this" {
  name         = local.name
  budget_type  = "COST"
  limit_amount = "100.0"
  limit_unit   = "USD"
  time_unit    = "MONTHLY"
  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Environment$%s", var.environment)]
  }
  dynamic "notification" {
    for_each = [["ACTUAL", 80], ["ACTUAL", 100], ["FORECASTED", 100]]
    content {
      notification_type         = notification.value[0]
      threshold                 = notification.value[1]
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.edge.arn]
    }
  }
  tags = { Name = local.name }
}

resource "aws_xray_group" "this" {
  group_name        = local.name
  filter_expression = "service(\"${local.name}\")"
  insights_configuration {
    insights_enabled      = false
    notifications_enabled = false
  }
  tags = { Name = local.name }
}

resource "aws_xray_sampling_rule" "this" {
  rule_name      = local.name
  version        = 1
  priority       = 1000
  fixed_rate     = 0.05
  reservoir_size = 1
  service_name   = local.name
  service_type   = "*"
  host           = "*"
  http_method    = "*"
  url_path       = "*"
  resource_arn   = "*"
  tags           = { Name = local.name }
}

resource "aws_db_event_subscription" "database" {
  name        = "${local.name}-database"
  sns_topic   = aws_sns_topic.alerts.arn
  source_type = "db-instance"
  source_ids  = [aws_db_instance.this.identifier]
  event_categories = [
    "configuration change", "deletion", "failover", "failure", "low storage", "maintenance", "recovery",
  ]
}

resource "aws_db_event_subscription" "parameters" {
  name             = "${local.name}-database-parameters"
  sns_topic        = aws_sns_topic.alerts.arn
  source_type      = "db-parameter-group"
  source_ids       = [aws_db_parameter_group.this.name]
  event_categories = ["configuration change"]
}
