# A mapping and a scoping filter with tests of their own: `terraform test` tells what they make of people who
# are made up. It reaches no source, no app and no agent.

terraform {
  required_version = ">= 1.11"
  required_providers {
    provisioning = {
      source = "openprovisioning/provisioning"
    }
  }
}

variable "app_id" {
  type        = string
  description = "Id of the app that the mapping and the filter belong to."
}

# The tests give people here; there are none otherwise.
variable "people" {
  type    = any
  default = {}
}

locals {
  # The template's own mapping, with what differs here.
  users = merge(provider::provisioning::template("scim").mappings["User"].attributes, {
    "userName"    = { expression = "ToLower([mail])", matching_precedence = 1 }
    "displayName" = { expression = "Join(\" \", [givenName], [surname])" }
    "nickName"    = { expression = "NormalizeDiacritics([givenName])" }
    "title"       = { expression = "IIF([employeeType] = \"contractor\", \"Contractor\", [jobTitle])" }
  })

  staff = [
    { attribute = "mail", operator = "is_not_null" },
    { attribute = "department", operator = "not_equals", value = "Board" },
  ]
}

resource "provisioning_attribute_mapping" "users" {
  app_id      = var.app_id
  object_type = "User"
  attributes  = local.users
}

resource "provisioning_scoping_filter" "staff" {
  app_id      = var.app_id
  object_type = "User"
  name        = "staff"
  clauses     = local.staff
}

# What an assertion looks at is an output: OpenTofu knows no provider functions within assertions.
output "accounts" {
  value = {
    for who, person in var.people : who => {
      for path in ["userName", "displayName", "nickName", "title", "active"] :
      path => provider::provisioning::evaluate(local.users[path].expression, person)
    }
  }
}

output "in_scope" {
  value = { for who, person in var.people : who => provider::provisioning::in_scope(local.staff, person) }
}
