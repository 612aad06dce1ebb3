resource "provisioning_attribute_mapping" "chat_user" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  attributes = {
    "active"                                                             = { expression = "Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")" }
    "emails[type eq \"other\"].value"                                    = { source = "proxyAddresses", apply = "add_values" }
    "locale"                                                             = { expression = "Replace([preferredLanguage], \"-\", , , \"_\", , )", default = "en_US", apply = "on_create" }
    "title"                                                              = { source = "jobTitle", when_null = "clear" }
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = { source = "manager" }
    "userName"                                                           = { source = "userPrincipalName", matching_precedence = 1 }
    "userType"                                                           = { default = "Employee" }
  }
}

resource "provisioning_attribute_mapping" "chat_group" {
  app_id      = provisioning_app.chat.id
  object_type = "Group"
  enabled     = false
  actions     = ["create", "update"]
  attributes = {
    displayName = { source = "displayName", matching_precedence = 1 }
    members     = { source = "members" }
  }
}

resource "provisioning_scoping_filter" "chat_user_ny_engineers" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "NY engineers"
  clauses = [
    { attribute = "state", operator = "equals", value = "New York" },
    { attribute = "department", operator = "equals", value = "Engineering" },
    { attribute = "employeeId", operator = "regex_match", value = "(1[0-9][0-9][0-9][0-9][0-9][0-9])" },
    { attribute = "jobTitle", operator = "is_not_null" },
  ]
}

resource "provisioning_scoping_filter" "chat_user_filter_2" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  name        = "filter 2"
  clauses = [
    { attribute = "country", operator = "is_not_contained_in", value = "US, CA" },
    { attribute = "level", operator = "greater_than_or_equals", value = "7" },
  ]
}
