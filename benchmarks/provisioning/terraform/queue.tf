locals {
  queues     = { tasks = "${local.name}-tasks", dead = "${local.name}-tasks-dead" }
  queue_arns = { for key, name in local.queues : key => "arn:aws:sqs:${var.region}:${local.account}:${name}" }
}

resource "aws_sqs_queue" "tasks" {
  name                       = local.queues.tasks
  visibility_timeout_seconds = 60
  message_retention_seconds  = 345600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 8 })
  tags                       = { Name = local.queues.tasks }
}

resource "aws_sqs_queue" "dead" {
  name                       = local.queues.dead
  visibility_timeout_seconds = 60
  message_retention_seconds  = 1209600
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_allow_policy       = jsonencode({ redrivePermission = "byQueue", sourceQueueArns = [local.queue_arns.tasks] })
  tags                       = { Name = local.queues.dead }
}

resource "aws_sqs_queue_policy" "this" {
  for_each  = { tasks = aws_sqs_queue.tasks, dead = aws_sqs_queue.dead }
  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = each.value.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}
