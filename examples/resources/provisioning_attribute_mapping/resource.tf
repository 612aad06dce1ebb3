resource "provisioning_attribute_mapping" "users" {
  app_id      = provisioning_app.chat.id
  object_type = "User"
  actions     = ["create", "update", "delete"]
  attributes = {
    "userName"                       = { source = "userPrincipalName", matching_precedence = 1 }
    "externalId"                     = { source = "employee_id", matching_precedence = 2 }
    "active"                         = { expression = "Not([IsSoftDeleted])" }
    "displayName"                    = { expression = "Join(\" \", [givenName], [surname])" }
    "title"                          = { source = "jobTitle", default = "Employee" }
    "preferredLanguage"              = { constant = "en", apply = "on_create" }
    "emails[type eq \"work\"].value" = { source = "mail" }
  }
}

# A template's preconfigured mapping, with one attribute changed.
resource "provisioning_attribute_mapping" "groups" {
  app_id      = provisioning_app.chat.id
  object_type = "Group"
  attributes = merge(provider::provisioning::template("scim").mappings["Group"].attributes, {
    "displayName" = { expression = "ToLower([displayName])", matching_precedence = 1 }
  })
}
