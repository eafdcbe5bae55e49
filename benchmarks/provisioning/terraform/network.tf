locals {
  subnets = {
    for index, pair in setproduct(["public", "application", "data"], [0, 1]) :
    "${pair[0]}-${local.zones[pair[1]]}" => {
      tier = pair[0]
      zone = local.zones[pair[1]]
      cidr = cidrsubnet(var.vpc_cidr, 4, index)
      # The eight bits after the prefix of the network, as the role has it.
      ipv6 = cidrsubnet(aws_vpc.this.ipv6_cidr_block, 8, index * 16)
    }
  }
  subnet_ids = {
    for tier in ["public", "application", "data"] :
    tier => [for zone in local.zones : aws_subnet.this["${tier}-${zone}"].id]
  }
  route_tables = {
    public      = aws_route_table.public.id
    application = aws_route_table.application.id
    data        = aws_route_table.data.id
  }
}

resource "aws_vpc" "this" {
  cidr_block                       = var.vpc_cidr
  assign_generated_ipv6_cidr_block = true
  enable_dns_support               = true
  enable_dns_hostnames             = true
  tags                             = { Name = local.name }
}

resource "aws_subnet" "this" {
  for_each                        = local.subnets
  vpc_id                          = aws_vpc.this.id
  cidr_block                      = each.value.cidr
  ipv6_cidr_block                 = each.value.ipv6
  assign_ipv6_address_on_creation = each.value.tier == "application"
  availability_zone               = each.value.zone
  map_public_ip_on_launch         = false
  tags                            = { Name = "${local.name}-${each.key}", Tier = each.value.tier }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = local.name }
}

resource "aws_egress_only_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = local.name }
}

resource "aws_eip" "nat" {
  domain     = "vpc"
  depends_on = [aws_internet_gateway.this]
  tags       = { Name = "${local.name}-nat-${local.zones[0]}" }
}

resource "aws_nat_gateway" "this" {
  subnet_id     = aws_subnet.this["public-${local.zones[0]}"].id
  allocation_id = aws_eip.nat.id
  depends_on    = [aws_internet_gateway.this]
  tags          = { Name = "${local.name}-nat-${local.zones[0]}" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.name}-public", Tier = "public" }
}

resource "aws_route_table" "application" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.name}-application-all", Tier = "application" }
}

resource "aws_route_table" "data" {
  vpc_id = aws_vpc.this.id
  tags   = { Name = "${local.name}-data", Tier = "data" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route" "internet_ipv6" {
  route_table_id              = aws_route_table.public.id
  destination_ipv6_cidr_block = "::/0"
  gateway_id                  = aws_internet_gateway.this.id
}

resource "aws_route" "egress_ipv6" {
  route_table_id              = aws_route_table.application.id
  destination_ipv6_cidr_block = "::/0"
  egress_only_gateway_id      = aws_egress_only_internet_gateway.this.id
}

resource "aws_route" "nat" {
  route_table_id         = aws_route_table.application.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this.id
}

resource "aws_route_table_association" "this" {
  for_each       = local.subnets
  subnet_id      = aws_subnet.this[each.key].id
  route_table_id = local.route_tables[each.value.tier]
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.application.id]
  tags              = { Name = "${local.name}-endpoint-s3" }
}
