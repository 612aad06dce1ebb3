resource "provisioning_app" "chat" {
  name          = "chat"
  source_id     = provisioning_source.people.id
  template      = "scim"
  scope         = "assigned"
  scim          = { base_url = "https://chat.example.com/scim/v2" }
  credential_id = provisioning_credential.chat.id
  protected     = ["break-glass@example.com"]
  labels        = { team = "collaboration" }
}
