resource "provisioning_source" "people" {
  name = "people"
  file = {
    users  = { path = "people.csv", id = "employee_id", references = { manager = "manager_id" } }
    groups = { path = "groups.json", id = "id", members = "members" }
  }
  # Names that mappings and filters may use beside the source's own.
  attributes = {
    userPrincipalName = "email"
    mail              = "email"
    givenName         = "first_name"
    surname           = "last_name"
  }
}
