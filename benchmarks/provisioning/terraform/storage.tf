locals {
  buckets = {
    frontend = { versioned = true, days = null }
    releases = { versioned = true, days = null }
    logs     = { versioned = true, days = 90 }
    transfer = { versioned = false, days = 1 }
  }
}

resource "aws_s3_bucket" "this" {
  for_each      = local.buckets
  bucket        = "${local.name}-${local.account}-${each.key}"
  force_destroy = true
  tags          = { Name = "${local.name}-${local.account}-${each.key}" }
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each                = local.buckets
  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = { for key, bucket in local.buckets : key => bucket if bucket.versioned }
  bucket   = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets
  bucket   = aws_s3_bucket.this[each.key].id
  rule {
    id     = "expire"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    noncurrent_version_expiration {
      noncurrent_days = 90
    }
    expiration {
      days                         = each.value.days
      expired_object_delete_marker = each.value.days == null ? true : null
    }
  }
  depends_on = [aws_s3_bucket_versioning.this]
}

locals {
  tls_only = {
    for key in keys(local.buckets) : key => {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.this[key].arn, "${aws_s3_bucket.this[key].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
  log_delivery = {
    Sid       = "LoadBalancerLogs"
    Effect    = "Allow"
    Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.this["logs"].arn}/*/AWSLogs/${local.account}/*"
    Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:elasticloadbalancing:${var.region}:${local.account}:loadbalancer/*" } }
  }
  edge_log_delivery = {
    Sid       = "CloudFrontLogs"
    Effect    = "Allow"
    Principal = { Service = "delivery.logs.amazonaws.com" }
    Action    = "s3:PutObject"
    Resource  = "${aws_s3_bucket.this["logs"].arn}/AWSLogs/${local.account}/*"
    Condition = {
      StringEquals = { "aws:SourceAccount" = local.account, "s3:x-amz-acl" = "bucket-owner-full-control" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:logs:us-east-1:${local.account}:delivery-source:*" }
    }
  }
}

resource "aws_s3_bucket_policy" "releases" {
  bucket = aws_s3_bucket.this["releases"].id
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.tls_only["releases"]] })
}

resource "aws_s3_bucket_policy" "transfer" {
  bucket = aws_s3_bucket.this["transfer"].id
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.tls_only["transfer"]] })
}

resource "aws_s3_bucket_policy" "logs" {
  bucket = aws_s3_bucket.this["logs"].id
  policy = jsonencode({ Version = "2012-10-17", Statement = [local.tls_only["logs"], local.log_delivery, local.edge_log_delivery] })
}

# Names the distribution, so it is written after it.
resource "aws_s3_bucket_policy" "frontend" {
  bucket = aws_s3_bucket.this["frontend"].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([local.tls_only["frontend"]], [
      for action, resource in {
        "s3:GetObject"  = "${aws_s3_bucket.this["frontend"].arn}/*"
        "s3:ListBucket" = aws_s3_bucket.this["frontend"].arn
        } : {
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = action
        Resource  = resource
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
      }
    ])
  })
}
