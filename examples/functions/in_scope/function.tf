locals {
  staff = [
    { attribute = "employee_type", operator = "not_equals", value = "contractor" },
    { attribute = "mail", operator = "is_not_null" },
  ]
}

# true
output "ada" {
  value = provider::provisioning::in_scope(local.staff, { employee_type = "employee", mail = "ada@example.com" })
}
