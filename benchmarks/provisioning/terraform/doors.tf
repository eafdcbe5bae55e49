# The zone, its certificates, the load balancer, the firewall and CloudFront.

resource "aws_route53_zone" "this" {
  name    = var.zone_name
  comment = var.zone_name
  tags    = { Name = var.zone_name }
}

resource "aws_acm_certificate" "origin" {
  domain_name       = local.origin_domain
  validation_method = "DNS"
  tags              = { Name = local.origin_domain }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_acm_certificate" "site" {
  provider          = aws.edge
  domain_name       = local.site_domain
  validation_method = "DNS"
  tags              = { Name = local.site_domain }
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = {
    origin = one(aws_acm_certificate.origin.domain_validation_options)
    site   = one(aws_acm_certificate.site.domain_validation_options)
  }
  zone_id         = aws_route53_zone.this.zone_id
  name            = each.value.resource_record_name
  type            = each.value.resource_record_type
  records         = [each.value.resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "origin" {
  certificate_arn         = aws_acm_certificate.origin.arn
  validation_record_fqdns = [aws_route53_record.validation["origin"].fqdn]
}

resource "aws_acm_certificate_validation" "site" {
  provider                = aws.edge
  certificate_arn         = aws_acm_certificate.site.arn
  validation_record_fqdns = [aws_route53_record.validation["site"].fqdn]
}

resource "aws_lb_target_group" "web" {
  name                          = "${local.name}-web"
  vpc_id                        = aws_vpc.this.id
  target_type                   = "instance"
  protocol                      = "HTTP"
  protocol_version              = "HTTP1"
  port                          = 80
  deregistration_delay          = 35
  load_balancing_algorithm_type = "least_outstanding_requests"
  health_check {
    protocol            = "HTTP"
    port                = "traffic-port"
    path                = "/healthz"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }
  tags = { Name = "${local.name}-web" }
}

resource "aws_lb" "this" {
  name                       = local.name
  load_balancer_type         = "application"
  internal                   = false
  ip_address_type            = "dualstack"
  subnets                    = local.subnet_ids.public
  security_groups            = [aws_security_group.this["balancer"].id]
  idle_timeout               = 40
  enable_deletion_protection = false
  enable_http2               = true
  desync_mitigation_mode     = "defensive"
  drop_invalid_header_fields = true
  access_logs {
    enabled = true
    bucket  = aws_s3_bucket_policy.logs.bucket
    prefix  = "balancer"
  }
  tags = { Name = local.name }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80
  default_action {
    type = "redirect"
    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
  certificate_arn   = aws_acm_certificate_validation.origin.certificate_arn
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}

resource "aws_route53_record" "origin" {
  for_each = toset(["A", "AAAA"])
  zone_id  = aws_route53_zone.this.zone_id
  name     = local.origin_domain
  type     = each.key
  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}

locals {
  managed_rules = {
    AWSManagedRulesAmazonIpReputationList = 10
    AWSManagedRulesCommonRuleSet          = 11
    AWSManagedRulesKnownBadInputsRuleSet  = 12
    AWSManagedRulesSQLiRuleSet            = 13
  }
}

resource "aws_wafv2_web_acl" "balancer" {
  name        = local.name
  scope       = "REGIONAL"
  description = "${local.name}, rules for REGIONAL"
  default_action {
    allow {}
  }
  rule {
    name     = "sign-in-limit"
    priority = 0
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = 50
        aggregate_key_type = "FORWARDED_IP"
        forwarded_ip_config {
          header_name       = "X-Forwarded-For"
          fallback_behavior = "NO_MATCH"
        }
        scope_down_statement {
          regex_match_statement {
            regex_string = "^/(api/session|admin/login)/?$"
            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "LOWERCASE"
            }
          }
        }
      }
    }
    visibility_config {
      sampled_requests_enabled   = true
      cloudwatch_metrics_enabled = true
      metric_name                = "sign-in-limit"
    }
  }
  rule {
    name     = "limit"
    priority = 1
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = 2000
        aggregate_key_type = "FORWARDED_IP"
        forwarded_ip_config {
          header_name       = "X-Forwarded-For"
          fallback_behavior = "NO_MATCH"
        }
      }
    }
    visibility_config {
      sampled_requests_enabled   = true
      cloudwatch_metrics_enabled = true
      metric_name                = "limit"
    }
  }
  dynamic "rule" {
    for_each = local.managed_rules
    content {
      name     = rule.key
      priority = rule.value
      override_action {
        none {}
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
        }
      }
      visibility_config {
        sampled_requests_enabled   = true
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
      }
    }
  }
  visibility_config {
    sampled_requests_enabled   = true
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
  }
  tags = { Name = local.name }
}

resource "aws_wafv2_web_acl" "edge" {
  provider    = aws.edge
  name        = local.name
  scope       = "CLOUDFRONT"
  description = "${local.name}, rules for CLOUDFRONT"
  default_action {
    allow {}
  }
  rule {
    name     = "sign-in-limit"
    priority = 0
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = 50
        aggregate_key_type = "IP"
        scope_down_statement {
          regex_match_statement {
            regex_string = "^/(api/session|admin/login)/?$"
            field_to_match {
              uri_path {}
            }
            text_transformation {
              priority = 0
              type     = "LOWERCASE"
            }
          }
        }
      }
    }
    visibility_config {
      sampled_requests_enabled   = true
      cloudwatch_metrics_enabled = true
      metric_name                = "sign-in-limit"
    }
  }
  rule {
    name     = "limit"
    priority = 1
    action {
      block {}
    }
    statement {
      rate_based_statement {
        limit              = 2000
        aggregate_key_type = "IP"
      }
    }
    visibility_config {
      sampled_requests_enabled   = true
      cloudwatch_metrics_enabled = true
      metric_name                = "limit"
    }
  }
  dynamic "rule" {
    for_each = local.managed_rules
    content {
      name     = rule.key
      priority = rule.value
      override_action {
        none {}
      }
      statement {
        managed_rule_group_statement {
          vendor_name = "AWS"
          name        = rule.key
        }
      }
      visibility_config {
        sampled_requests_enabled   = true
        cloudwatch_metrics_enabled = true
        metric_name                = rule.key
      }
    }
  }
  visibility_config {
    sampled_requests_enabled   = true
    cloudwatch_metrics_enabled = true
    metric_name                = local.name
  }
  tags = { Name = local.name }
}

resource "aws_wafv2_web_acl_association" "balancer" {
  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.balancer.arn
}

resource "aws_wafv2_web_acl_logging_configuration" "balancer" {
  resource_arn            = aws_wafv2_web_acl.balancer.arn
  log_destination_configs = [aws_cloudwatch_log_group.this["aws-waf-logs-${local.name}-balancer"].arn]
  dynamic "redacted_fields" {
    for_each = ["authorization", "cookie"]
    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }
  logging_filter {
    default_behavior = "DROP"
    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"
      dynamic "condition" {
        for_each = ["BLOCK", "COUNT", "EXCLUDED_AS_COUNT"]
        content {
          action_condition {
            action = condition.value
          }
        }
      }
    }
  }
}

resource "aws_wafv2_web_acl_logging_configuration" "edge" {
  provider                = aws.edge
  resource_arn            = aws_wafv2_web_acl.edge.arn
  log_destination_configs = [aws_cloudwatch_log_group.edge_firewall.arn]
  dynamic "redacted_fields" {
    for_each = ["authorization", "cookie"]
    content {
      single_header {
        name = redacted_fields.value
      }
    }
  }
  logging_filter {
    default_behavior = "DROP"
    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"
      dynamic "condition" {
        for_each = ["BLOCK", "COUNT", "EXCLUDED_AS_COUNT"]
        content {
          action_condition {
            action = condition.value
          }
        }
      }
    }
  }
}

resource "aws_cloudfront_origin_access_control" "this" {
  name                              = "${local.name}-frontend"
  description                       = "Reads the bucket of the front end"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "page" {
  name    = "${local.name}-page"
  comment = "Answers addresses of the single-page application with its page"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/page.js")
}

resource "aws_cloudfront_response_headers_policy" "this" {
  name    = "${local.name}-frontend"
  comment = "Security headers of the front end"
  security_headers_config {
    strict_transport_security {
      access_control_max_age_sec = 300
      include_subdomains         = true
      override                   = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }
    content_security_policy {
      content_security_policy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
      override                = true
    }
  }
  custom_headers_config {
    items {
      header   = "Permissions-Policy"
      value    = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
      override = true
    }
    items {
      header   = "Cross-Origin-Opener-Policy"
      value    = "same-origin"
      override = true
    }
  }
  remove_headers_config {
    items {
      header = "Server"
    }
  }
}

locals {
  # The managed policies' ids are the same in every account.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  caching_disabled  = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  all_viewer        = "216adef6-5c7f-47e4-b989-5492eafa07d3"
}

resource "aws_cloudfront_distribution" "this" {
  enabled             = true
  comment             = "${local.name}: ${local.site_domain}"
  aliases             = [local.site_domain]
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  web_acl_id          = aws_wafv2_web_acl.edge.arn
  origin {
    origin_id                = "frontend"
    domain_name              = aws_s3_bucket.this["frontend"].bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.this.id
  }
  origin {
    origin_id   = "application"
    domain_name = local.origin_domain
    custom_origin_config {
      http_port                = 80
      https_port               = 443
      origin_protocol_policy   = "https-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_read_timeout      = 45
      origin_keepalive_timeout = 5
    }
  }
  default_cache_behavior {
    target_origin_id           = "frontend"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.this.id
    compress                   = true
    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.page.arn
    }
  }
  dynamic "ordered_cache_behavior" {
    for_each = ["/api/*", "/admin/*", "/static/*"]
    content {
      path_pattern             = ordered_cache_behavior.value
      target_origin_id         = "application"
      viewer_protocol_policy   = "redirect-to-https"
      allowed_methods          = ordered_cache_behavior.value == "/static/*" ? ["GET", "HEAD"] : ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
      cached_methods           = ["GET", "HEAD"]
      cache_policy_id          = ordered_cache_behavior.value == "/static/*" ? local.caching_optimized : local.caching_disabled
      origin_request_policy_id = local.all_viewer
      compress                 = ordered_cache_behavior.value == "/static/*"
    }
  }
  dynamic "custom_error_response" {
    for_each = [404, 500, 502, 503, 504]
    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    acm_certificate_arn      = aws_acm_certificate_validation.site.certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }
}

resource "aws_route53_record" "site" {
  for_each = toset(["A", "AAAA"])
  zone_id  = aws_route53_zone.this.zone_id
  name     = local.site_domain
  type     = each.key
  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}

resource "aws_cloudwatch_log_delivery_source" "edge" {
  provider     = aws.edge
  name         = "${local.name}-edge"
  log_type     = "ACCESS_LOGS"
  resource_arn = aws_cloudfront_distribution.this.arn
  tags         = { Name = "${local.name}-edge" }
}

resource "aws_cloudwatch_log_delivery_destination" "edge" {
  provider      = aws.edge
  name          = "${local.name}-edge"
  output_format = "json"
  delivery_destination_configuration {
    destination_resource_arn = aws_s3_bucket.this["logs"].arn
  }
  tags       = { Name = "${local.name}-edge" }
  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_cloudwatch_log_delivery" "edge" {
  provider                 = aws.edge
  delivery_source_name     = aws_cloudwatch_log_delivery_source.edge.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.edge.arn
  tags                     = { Name = "${local.name}-edge" }
}

resource "aws_route53_health_check" "site" {
  type              = "HTTPS"
  fqdn              = local.site_domain
  port              = 443
  resource_path     = "/api/summary/"
  request_interval  = 30
  failure_threshold = 3
  tags              = { Name = "${local.name}-site" }
}
