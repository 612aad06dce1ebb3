resource "provisioning_scoping_filter" "staff" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "staff"
  clauses = [
    { attribute = "employee_type", operator = "not_equals", value = "contractor" },
    { attribute = "mail", operator = "is_not_null" },
  ]
}
