# The stack of playbooks/provision.yml in the inventory `rehearsal`, as its users would write it in Terraform: one root module.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region                  = var.region
  skip_metadata_api_check = true
  s3_use_path_style       = true
  default_tags {
    tags = local.tags
  }
}

# CloudFront's certificate, web ACL, alarms and their topic live here.
provider "aws" {
  alias                   = "edge"
  region                  = "us-east-1"
  skip_metadata_api_check = true
  default_tags {
    tags = local.tags
  }
}

variable "environment" {
  type = string
}

variable "region" {
  type    = string
  default = "eu-west-1"
}

variable "vpc_cidr" {
  type = string
}

variable "zone_name" {
  type = string
}

variable "site_port_suffix" {
  type    = string
  default = ":8443"
}

variable "nginx_log_days" {
  type    = number
  default = 30
}

variable "secrets" {
  type      = map(map(string))
  sensitive = true
}

data "aws_caller_identity" "current" {}

locals {
  name          = "slipway-${var.environment}"
  account       = data.aws_caller_identity.current.account_id
  zones         = ["${var.region}a", "${var.region}b"]
  site_domain   = "app.${var.zone_name}"
  origin_domain = "origin.${local.site_domain}"
  site_url      = "https://${local.site_domain}${var.site_port_suffix}"
  tags = {
    Project     = "slipway"
    Environment = var.environment
    ManagedBy   = "terraform"
  }
}
