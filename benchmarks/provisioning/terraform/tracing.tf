resource "aws_xray_group" "this" {
  group_name        = local.name
  filter_expression = "service(\"${local.name}\")"
  tags              = { Name = local.name }
}

resource "aws_xray_sampling_rule" "this" {
  rule_name      = local.name
  priority       = 1000
  fixed_rate     = 0.05
  reservoir_size = 1
  service_name   = local.name
  service_type   = "*"
  host           = "*"
  http_method    = "*"
  url_path       = "*"
  resource_arn   = "*"
  version        = 1
  tags           = { Name = local.name }
}

resource "aws_ssm_parameter" "tracing" {
  name  = "/${local.name}/application/DJANGO_TRACING_SERVICE"
  type  = "String"
  value = local.name
}
