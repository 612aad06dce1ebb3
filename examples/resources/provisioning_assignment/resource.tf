# A group by its display name or its id in the source; its direct members are in scope with it.
resource "provisioning_assignment" "engineering" {
  app_id = provisioning_app.chat.id
  group  = "Engineering"
}

resource "provisioning_assignment" "founder" {
  app_id = provisioning_app.chat.id
  user   = "grace@example.com"
  role   = "admin"
}
